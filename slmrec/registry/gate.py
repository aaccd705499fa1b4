"""The gate: challenger and champion on the newest window, through their graphs in onnxruntime."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from slmrec.dataset.histories import Histories
from slmrec.evaluation.neighbour_contestants import joined_name
from slmrec.evaluation.timing import serving_batches, serving_from_bundle, time_in_turn
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.gate import GateParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.registry import rules
from slmrec.registry.bundle_scorer import BundleScorer
from slmrec.registry.made_until import MadeUntil
from slmrec.registry.trial import Trial
from slmrec.registry.verdict import Rule, Verdict
from slmrec.registry.window import Standing, Window
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import METRICS, Bundle

Against = Literal["champion", "baselines"]


@dataclass(frozen=True)
class GateSettings:
    """The sections of params.yaml that the gate reads, and what a challenger is held against."""

    gate: GateParams
    evaluate: EvaluateParams  # baselines and slices, as the report has them
    cost: MeasureCostParams  # how much serving is timed
    served: str  # the name of the served model in metrics/evaluation.json
    threads: int
    against: Against  # the champion and the baselines, or the baselines alone
    trial: Trial | None  # what the same settings showed before the challenger was trained again

    @staticmethod
    def read(project: Path, against: Against, trial: Trial | None) -> GateSettings:
        """Read them. Raises UsageError naming the key that is wrong."""
        return GateSettings(
            GateParams.read(project),
            EvaluateParams.read(project),
            MeasureCostParams.read(project),
            ExportParams.read(project).model,
            ComputeParams.read(project).threads,
            against,
            trial,
        )


@dataclass(frozen=True)
class Side:
    """A bundle and its recommender."""

    name: str  # sha256 of the challenger's manifest; the champion's version
    bundle: Bundle
    recommender: Recommender
    made_until: MadeUntil | None  # of the champion

    @property
    def metrics(self) -> dict[str, Any]:
        """The bundle's metrics.json."""
        return dict(json.loads(self.bundle.files[METRICS]))

    def name_in_report(self, student: str) -> str:
        """What metrics.json calls the model that the graph was exported from."""
        joined = self.bundle.contract.get("neighbours") is not None
        return joined_name(student) if joined else student


def judge(
    challenger: Side,
    champion: Side | None,
    histories: Histories,
    settings: GateSettings,
    override: str | None,
    tell: Callable[[str], None],
) -> Verdict:
    """Hold the challenger against the champion, or the first one against the baselines alone.

    `histories` are those that the challenger was made of; `tell` gets a line as each part starts.
    """
    items, targets = challenger.recommender.items, histories.targets["test"]
    window = Window(histories, targets, items, settings.evaluate, settings.gate)
    unseen = _unseen_by(champion, histories, tell)
    standings = _standings(challenger, champion, window, tell)
    found = list(_rules(standings, challenger, window, settings))
    if champion is not None:
        newer = Window(histories, targets.at(unseen), items, settings.evaluate, settings.gate)
        found[:0] = _champion_rules(standings, unseen, newer, settings.gate)
        tell("latency, side by side")
        ratio = latency_ratio(challenger.recommender, champion.recommender, window, settings)
        found.append(rules.latency_rule(ratio, settings.gate))
    return Verdict(
        challenger=challenger.name,
        champion=champion.name if champion else None,
        window=window_facts(window) | ({"compared": len(unseen)} if champion else {}),
        figures={name: standing.figures(window.users) for name, standing in standings.items()},
        rules=found,
        override=override,
    )


def _unseen_by(
    champion: Side | None, histories: Histories, tell: Callable[[str], None]
) -> np.ndarray:
    """Places (M,) of the targets that both are compared on; all where there is no champion."""
    targets = len(histories.targets["test"].row)
    if champion is None or champion.made_until is None:
        return np.arange(targets)
    unseen = champion.made_until.unseen(histories)
    if line := champion.made_until.line(len(unseen), targets):
        tell(line)
    return unseen


def _standings(
    challenger: Side, champion: Side | None, window: Window, tell: Callable[[str], None]
) -> dict[str, Standing]:
    """Challenger, champion and baselines on the window, by name."""
    tell(f"{len(window.users):,} targets of {window.weights.shape[1]:,} users: challenger")
    standings = {"challenger": window.bundle(challenger.recommender)}
    if champion is not None:
        tell(f"champion {champion.name}")
        standings["champion"] = window.bundle(champion.recommender)
    tell("baselines")
    return standings | window.baselines(challenger.recommender)


def _rules(
    standings: dict[str, Standing], side: Side, window: Window, settings: GateSettings
) -> Iterator[Rule]:
    p, metrics = settings.gate, side.metrics
    challenger, champion = standings["challenger"], standings.get("champion")
    others = ("challenger", "champion")
    baselines = {name: value for name, value in standings.items() if name not in others}
    for rule in (
        *rules.baseline_rules(challenger, baselines, window, p),
        *rules.recorded_rules(challenger, metrics, window, p),
    ):
        yield rule.settled_by(settings.trial.why) if settings.trial else rule
    yield from rules.coverage_rules(challenger, champion, p)
    yield from rules.parity_rules(
        challenger, metrics, side.name_in_report(settings.served), window, p
    )


def _champion_rules(
    standings: dict[str, Standing], unseen: np.ndarray, newer: Window, p: GateParams
) -> Iterator[Rule]:
    """What both are compared by: on the targets `unseen` (M,) by the champion, window `newer`."""
    challenger, champion = (standings[name].of(unseen) for name in ("challenger", "champion"))
    yield from rules.champion_rules(challenger, champion, newer, p)
    yield from rules.slice_rules(challenger, champion, newer, p)


def latency_ratio(
    challenger: Recommender, champion: Recommender, window: Window, settings: GateSettings
) -> float:
    """The challenger's time for ten items by the champion's, on the same inputs, in turn.

    Of each batch the fastest round counts: other work on the machine only ever adds time, and a
    short task is the likeliest to be left alone once.
    """
    batches = serving_batches(window.histories, settings.cost)
    fastest = {"challenger": 0.0, "champion": 0.0}
    for batch in batches:
        tasks = {
            name: serving_from_bundle(side, [_own_indices(side, batch, window)])
            for name, side in (("challenger", challenger), ("champion", champion))
        }
        for name, seconds in time_in_turn(tasks, settings.gate.latency_rounds).items():
            fastest[name] += min(seconds)
    return fastest["challenger"] / fastest["champion"]


def _own_indices(side: Recommender, batch: np.ndarray, window: Window) -> np.ndarray:
    """A batch of the histories' item indices (B, T) in the bundle's own.  # (B, T) int64"""
    return np.asarray(BundleScorer(side, window.histories, window.items).own_index[batch])


def window_facts(window: Window) -> dict[str, Any]:
    """How large the window is, and from when to when."""
    histories, targets = window.histories, window.targets
    times = histories.times[histories.offsets[targets.row] + targets.position]
    return {
        "targets": len(targets.row),
        "users": window.weights.shape[1],
        "items": window.items.candidates,
        "from": _iso(int(times.min())),
        "to": _iso(int(times.max())),
        "split": histories.protocol.method,
    }


def _iso(microseconds: int) -> str:
    moment = datetime.fromtimestamp(microseconds // 1_000_000, UTC)
    return moment.isoformat().replace("+00:00", "Z")
