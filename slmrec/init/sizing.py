"""Settings sized to the logs: one rule a line of the table, each with what it was measured on.

docs/settings.md tells the same to people. A rule gives settings by their names in params.yaml and
says why in a few words. What no rule names stays as params.yaml has it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slmrec.init.facts import Facts
from slmrec.init.rules import model_rules, split_rules, teaching_rules, thresholds
from slmrec.init.rules.model_rules import MODELS


@dataclass(frozen=True)
class Rule:
    """One decision: the settings it gives, why in these logs, and what it was measured on.

    `shown` are the settings that a person is told of.
    """

    name: str
    settings: Callable[[Facts], dict[str, Any]]
    why: Callable[[Facts], str]
    measured: str
    shown: tuple[str, ...]

    def line(self, facts: Facts) -> str:
        """What was decided and why."""
        settings = self.settings(facts)
        values = ", ".join(f"{_short(name)} {_spelled(settings[name])}" for name in self.shown)
        return f"{self.name}: {values} ({self.why(facts)})"


def _short(name: str) -> str:
    """A setting's name without `training`, and without its section where only one has it."""
    section, _, rest = name.partition(".")
    rest = rest.removeprefix("training.")
    return f"{section} {rest}" if section in MODELS else rest


def _spelled(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value).lower() if isinstance(value, bool) else str(value)
    kind = value.get("kind") or " and ".join(value.get("encoders", [])) or _numbers(value)
    layers = value.get("layers") or value.get("cut", {}).get("layers")
    return f"{kind} of {layers} layers" if layers else str(kind)


def _numbers(value: dict[str, Any]) -> str:
    return ", ".join(f"{name} {number:g}" for name, number in value.items() if number)


def _density(f: Facts) -> str:
    return f"{f.logs.events_per_item:.0f} events an item"


def _events(f: Facts) -> str:
    return f"{f.logs.events:,} events"


def _items(f: Facts) -> str:
    return f"{f.logs.items:,} items"


def _size(f: Facts) -> str:
    return f"{_items(f)}, {_events(f)}"


def _texts(f: Facts) -> str:
    return "titles are read" if f.uses_text else "ids alone"


def _teacher(f: Facts) -> str:
    return "titles, and few enough events" if f.plan.pretrained else "from scratch"


RULES = (
    Rule(
        "split",
        split_rules.split_method,
        split_rules.why_split,
        "users of late events known before the cut: amazon-beauty-2014 62%, steam-100k 86%",
        ("split.method",),
    ),
    Rule(
        "ageing",
        split_rules.ageing,
        split_rules.why_split,
        "validation, item graph alone: steam-100k .0316 to .0323, MovieLens-100k .0957 to .1014; "
        "amazon-beauty-2014, each one's last: .0514 to .0505",
        ("neighbours.graph.half_life",),
    ),
    Rule(
        "window",
        split_rules.window_length,
        lambda f: f"95% of histories have at most {f.logs.length(0.95)} events",
        "amazon-beauty-2014: 30 instead of 50, with decay and all epochs .0511 to .0527",
        ("split.max_length",),
    ),
    Rule(
        "seen items",
        split_rules.seen_items,
        lambda f: f"{f.logs.repeats:.1%} of events repeat an item of their user's",
        "a listening log of 74% repeats: served HR@10 .174 without seen items, .941 with them",
        ("split.exclude_seen",),
    ),
    Rule(
        "shapes",
        model_rules.shapes,
        _size,
        "all of validation, student alone and with neighbours, of a decoder's 2 layers and of "
        "SASRec's with a filter: amazon-beauty-classic .0731 to .0756, .0785 to .0792; "
        "amazon-beauty-2014 .0728 to .0752, .0786 to .0794",
        ("embed_items.width", "distill_student.decoder", "distill_student.item_vectors"),
    ),
    Rule(
        "dropout",
        model_rules.dropout,
        _density,
        ".5 on the three benchmark sets, .4 on MovieLens-100k, .2 in SASRec's paper on the 1M",
        ("embed_items.dropout",),
    ),
    Rule(
        "weight decay",
        model_rules.weight_decay,
        _density,
        "amazon-beauty-2014, .5 for none: validation .0610 to .0637, with text .0689 to .0703",
        ("embed_items.training.weight_decay",),
    ),
    Rule(
        "loss",
        model_rules.loss,
        _items,
        "a step: of 100,000 items 6.2 s in full, .35 s drawn; of 1,000,000 1.86 s, touched .34 s",
        ("embed_items.training.loss",),
    ),
    Rule(
        "steps",
        model_rules.steps,
        _events,
        "1,024 positions on 126,824 to 198,502 events; 3,200 at three times the rate on the demo",
        ("embed_items.training.positions_per_batch", "embed_items.training.learning_rate"),
    ),
    Rule(
        "epochs",
        model_rules.epochs,
        _events,
        "amazon-beauty-2014: to the end instead of stopped early by a noisy validation",
        tuple(f"{model}.training.epochs" for model in MODELS),
    ),
    Rule(
        "hidden inputs",
        model_rules.hidden_inputs,
        _texts,
        "amazon-beauty-classic: at .01 level on validation, further into the training users",
        ("distill_student.training.unknown_rate",),
    ),
    Rule(
        "text",
        teaching_rules.text,
        teaching_rules.why_text,
        "amazon-beauty-2014: .0527 to .0620; steam-100k: .0300 to .0318; MovieLens-100k: none",
        ("embed_items.text",),
    ),
    Rule(
        "ensemble",
        teaching_rules.ensemble,
        lambda f: f"models beside the first: {f.plan.members}",
        "amazon-beauty-classic: student of the teacher alone .0548, of five models and it .0594; "
        "a filter in a model's layers, validation of it alone: .0729 to .0769, amazon-beauty-2014 "
        ".0654 to .0681",
        ("embed_items.ensemble_seeds", "embed_items.ensemble_low_pass"),
    ),
    Rule(
        "teacher",
        teaching_rules.teacher,
        _teacher,
        "amazon-beauty-2014, validation: SASRec with text .0716, SmolLM2 .0708, both .0726",
        ("train_teacher.backbone",),
    ),
    Rule(
        "recorded scores",
        teaching_rules.recorded,
        _events,
        "terms of states have weight 0, so that one block of them is enough",
        ("record_states.top", "record_states.keep"),
    ),
    Rule(
        "student's loss",
        teaching_rules.student_weights,
        lambda f: "scores alone, not states",
        "amazon-beauty-2014, validation: scores of the ensemble alone .0755, with states .0732",
        ("distill_student.weights",),
    ),
    Rule(
        "neighbours taught",
        teaching_rules.neighbour_member,
        lambda f: f"{split_rules.why_split(f)}, {_items(f)}, {f.logs.repeats:.1%} repeats",
        "served, test, not taught and taught: MovieLens-100k, five seeds, .1005 to .1022, "
        "steam-100k .0317 to .0334; each one's last: amazon-beauty-2014 .0685 to .0673, "
        "amazon-beauty-classic .0626 to .0618; simulated listening, 70% repeats, three seeds, "
        "student on validation, .5715 to .5672",
        ("record_states.neighbours",),
    ),
    Rule(
        "further graphs",
        model_rules.further_graphs,
        _items,
        "12,000 items: model.onnx 13.8 MB, with all further graphs and item vectors 55.3 MB",
        ("export_onnx.graphs", "export_onnx.precisions.wanted"),
    ),
    Rule(
        "thresholds",
        thresholds.validate_thresholds,
        lambda f: "these logs, with room",
        "the logs themselves",
        ("validate.min_events", "validate.min_target_coverage"),
    ),
    Rule(
        "bad rows",
        thresholds.quarantine_share,
        lambda f: f"{f.logs.bad_share:.2%} of rows are no events",
        "the logs themselves",
        ("prepare.max_quarantine_share",),
    ),
)


def sized_settings(facts: Facts) -> dict[str, Any]:
    """Every setting that a rule decides, by its name in params.yaml."""
    settings: dict[str, Any] = {}
    for rule in RULES:
        settings |= rule.settings(facts)
    return settings
