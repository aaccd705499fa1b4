"""About how long and how much memory each stage of a run will take on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slmrec.init.cost.trial_settings import Rate
from slmrec.init.facts import Facts

GIB = 2**30
# Known costs, measured on two cores: imports and what does not hang on the logs, seconds.
START = {
    "prepare": 3,
    "validate": 12,
    "split": 3,
    "neighbours": 4,
    "embed_items": 10,
    "train_teacher": 15,
    "record_states": 15,
    "distill_student": 15,
    "evaluate": 25,
    "export_onnx": 45,
    "measure_cost": 40,
}
LARGEST_MODEL = {  # of those that a stage holds
    "embed_items": "sasrec",
    "train_teacher": "teacher",
    "record_states": "teacher",
    "distill_student": "student",
    "evaluate": "teacher",
    "export_onnx": "student",
    "measure_cost": "teacher",
}
PREPARED = 1.0e6  # events a second
LINKED = 160_000.0  # events a second into an item graph (benchmarks/results/neighbour-scaling.json)
MATCHED = 4_500.0  # titles a second, held against each other
PAIR_BYTES, PAIRS_AT_ONCE = 50, 20_000_000  # of a graph on its way; 10 pairs an event
ENCODED = 120.0  # titles a second (12,000 in 100 s)
FETCHED = 60.0  # seconds to fetch and convert SmolLM2, once
BARE_BYTES = 0.35 * GIB  # of a stage that imports Polars
EVENT_BYTES = 40  # of an event in memory: item, time, and their copies


@dataclass(frozen=True)
class StageCost:
    """A stage's estimated cost."""

    stage: str
    minutes: float
    gib: float


@dataclass(frozen=True)
class Workload:
    """How often each thing is done in a run; positions are those that train."""

    positions: int
    valid: int  # targets that an epoch is judged by
    all_valid: int
    test: int
    titles: int
    inputs: float  # positions of an input that is ranked
    settings: Mapping[str, Any]  # by name in params.yaml

    @property
    def members(self) -> int:
        return len(self.settings["embed_items.ensemble_seeds"])

    @property
    def has_text(self) -> bool:
        return self.settings["embed_items.text"] != "none"

    def epochs(self, stage: str) -> int:
        """Epochs of one training of a stage."""
        return int(self.settings[f"{stage}.training.epochs"])


def workload(facts: Facts, settings: Mapping[str, Any]) -> Workload:
    """Counts of positions and targets under the split that the settings name."""
    logs = facts.logs
    counts = _counts(facts, settings["split.method"])
    positions, valid, test = (max(round(count), 1) for count in counts)
    wanted = int(settings["embed_items.training.validation_targets"])
    titles = logs.items if facts.uses_text else 0
    inputs = float(min(logs.length(0.75), settings["split.max_length"]))
    return Workload(positions, min(valid, wanted), valid, test, titles, inputs, settings)


def _counts(facts: Facts, method: str) -> tuple[float, float, float]:
    """Positions that train, and targets of validation and of the test."""
    logs = facts.logs
    if method == "temporal":
        training, valid, test = 0.7 * logs.events, 0.1 * logs.events, 0.2 * logs.events
        known = logs.late_with_history
        users = 0.9 * logs.users
        return training - users, valid * known, test * known
    several = (1 - logs.single_event_users) * logs.users
    return logs.events - 3 * several, several, several


def stage_costs(facts: Facts, work: Workload, rates: Mapping[str, Rate]) -> list[StageCost]:
    """Every stage of dvc.yaml, in its order."""
    seconds = _seconds(facts, work, rates)
    memory = _memory(facts, rates)
    return [
        StageCost(stage, (START[stage] + seconds[stage]) / 60, memory[stage] / GIB)
        for stage in START
    ]


def _seconds(facts: Facts, work: Workload, rates: Mapping[str, Rate]) -> dict[str, float]:
    events = facts.logs.events
    sasrec, teacher, student = (rates[name] for name in ("sasrec", "teacher", "student"))
    models = 1 + work.has_text + work.members
    ranked = [sasrec, *(work.has_text * [sasrec]), teacher, *(work.members * [sasrec])]
    readers = [teacher, *(work.members * [sasrec])]
    fetched = FETCHED if facts.plan.pretrained else 0.0
    member = work.settings["record_states.neighbours"]
    folds = member["folds"] if member else 0
    compared = 2 * work.all_valid * _listed(student, work.inputs)  # with and without distillation
    return {
        "prepare": events / PREPARED,
        "validate": events / (5 * PREPARED),
        "split": events / (3 * PREPARED),
        "neighbours": events / LINKED + facts.logs.items * facts.has_titles / MATCHED,
        "embed_items": models * _training(work, "embed_items", sasrec) + work.titles / ENCODED,
        "train_teacher": _training(work, "train_teacher", teacher) + fetched,
        "record_states": sum(work.positions * _listed(rate, 1) for rate in readers)
        + folds * events / LINKED,
        "distill_student": 2 * _training(work, "distill_student", student) + compared,
        "evaluate": sum(
            work.test * _listed(rate, work.inputs) for rate in [*ranked, student, student]
        ),
        "export_onnx": work.test * _listed(student, work.inputs),
        "measure_cost": 0.0,
    }


def _training(work: Workload, stage: str, rate: Rate) -> float:
    """Seconds of all epochs and of the validation after each."""
    epoch = work.positions * rate.train_seconds + work.valid * _listed(rate, work.inputs)
    return work.epochs(stage) * epoch


def _listed(rate: Rate, inputs: float) -> float:
    """Seconds of an input of so many positions that is read and ranked once."""
    return inputs * rate.read_seconds + rate.list_seconds


def _memory(facts: Facts, rates: Mapping[str, Rate]) -> dict[str, float]:
    events = facts.logs.events * EVENT_BYTES
    peaks = {name: rate.peak_bytes + events for name, rate in rates.items()}
    table = BARE_BYTES + events
    return {
        "prepare": min(table, 1.7 * GIB),  # in parts, whatever the size
        "validate": table,
        "split": min(table, 1.7 * GIB),
        "neighbours": table + PAIR_BYTES * min(10 * facts.logs.events, PAIRS_AT_ONCE),
        **{stage: peaks[model] for stage, model in LARGEST_MODEL.items()},
    }


def total_minutes(costs: list[StageCost]) -> float:
    """Of the whole run."""
    return sum(cost.minutes for cost in costs)
