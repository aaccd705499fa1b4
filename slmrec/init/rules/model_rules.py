"""Shapes, regularisation, loss, batches and epochs of the three trained models."""

from __future__ import annotations

import math
from typing import Any

from slmrec.init.facts import DENSE, Facts
from slmrec.init.rules.split_rules import splits_by_time

LOW_PASS = {"share": 0.5, "span": 4}
MODELS = ("embed_items", "train_teacher", "distill_student")
SPARSE, VERY_DENSE = 25, 100  # events an item, below and above facts.DENSE
DROPOUTS = (0.5, 0.4, 0.2)  # below DENSE, below VERY_DENSE, above
TEACHER_DROPOUT = 0.3  # of a pretrained teacher
STRONG_DECAY, USUAL_DECAY = 0.5, 0.1
FEW_ITEMS, MANY_ITEMS = 2_500, 200_000  # up to the first all are scored, from the second few rows
NARROW_EVENTS = 300_000  # below which few items need few numbers each
STEPS = 100  # an epoch, at least
USUAL_BATCH, USUAL_EVENTS = 1024, 50_000  # positions that a batch has from so many events on
LARGEST_BATCH, LLM_BATCH = 8192, 400
RATE, HIGHEST_RATE = 1e-3, 3e-3
EPOCHS = ((500_000, 20), (2_000_000, 15), (10_000_000, 10))  # below so many events
FEWEST_EPOCHS, LLM_EPOCHS = 5, 3
TEACHER_SHARE, TEXT_STUDENT_SHARE, STUDENT_SHARE = 0.8, 0.7, 0.8  # of SASRec's epochs
VALIDATED = 6_000  # targets
HIDDEN, HARDLY_HIDDEN = 0.2, 0.01  # shares of inputs


def shapes(f: Facts) -> dict[str, Any]:
    """SASRec of two layers, and a student as cheap to serve as it."""
    narrow = f.logs.items < FEW_ITEMS and f.logs.events < NARROW_EVENTS
    of_sasrec = has_students_of_sasrec(f)
    layers: dict[str, Any] = {"layers": 2, "heads": 2 if narrow else 1, "feed_forward": 256}
    decoder = {"kind": "config", "width": 128, "heads": 2, "key_value_heads": 2}
    filtered = {"kind": "sasrec", "low_pass": LOW_PASS}
    return {
        "embed_items.width": 64 if narrow else 128,
        **{f"embed_items.{name}": value for name, value in layers.items()},
        "distill_student.decoder": layers | (filtered if of_sasrec else decoder),
        "distill_student.item_vectors": "new" if of_sasrec else "trained",
        "distill_student.layer_drop": 0.0,
        "distill_student.narrow": None,
        "export_onnx.model": "student",
    }


def has_students_of_sasrec(f: Facts) -> bool:
    """Whether the student has SASRec's layers, with a filter, and item vectors of its own.

    It has where each user's last event is the target; by time that was hardly more, on one set.
    """
    return not splits_by_time(f)


def dropout(f: Facts) -> dict[str, Any]:
    """The sparser the logs, the more is dropped."""
    density = f.logs.events_per_item
    share = DROPOUTS[(density >= DENSE) + (density >= VERY_DENSE)]
    return {
        "embed_items.dropout": share,
        "train_teacher.dropout": TEACHER_DROPOUT if f.plan.pretrained else share,
        "distill_student.dropout": share,
    }


def weight_decay(f: Facts) -> dict[str, Any]:
    """Strong where items have few events."""
    decay = STRONG_DECAY if f.logs.events_per_item < SPARSE else USUAL_DECAY
    return {f"{model}.training.weight_decay": decay for model in MODELS}


def loss(f: Facts) -> dict[str, Any]:
    """All items are scored where they are few, drawn ones where they are many."""
    kind: dict[str, Any] = {"kind": "softmax", "scores_at_once": 1_000_000}
    if f.logs.items > FEW_ITEMS:
        rows = "touched" if f.logs.items >= MANY_ITEMS else "all"
        kind = {"kind": "sampled_softmax", "negatives": 2048, "uniform_share": 0.5, "rows": rows}
    return {f"{model}.training.loss": kind for model in MODELS}


def steps(f: Facts) -> dict[str, Any]:
    """Batches that leave enough steps in an epoch, and a learning rate that grows with them."""
    batch = _positions(f)
    rate = round(min(max(batch / USUAL_BATCH, 1.0) * RATE, HIGHEST_RATE), 4)
    settings: dict[str, Any] = {}
    for model in MODELS:
        wide = model == "train_teacher" and f.plan.pretrained
        settings[f"{model}.training.positions_per_batch"] = LLM_BATCH if wide else batch
        settings[f"{model}.training.learning_rate"] = RATE if wide else rate
        settings[f"{model}.training.warmup_steps"] = 50
    return settings


def _positions(f: Facts) -> int:
    """A power of two."""
    least = USUAL_BATCH if f.logs.events >= USUAL_EVENTS else USUAL_BATCH // 8
    return min(2 ** int(math.log2(max(f.logs.events // STEPS, least))), LARGEST_BATCH)


def epochs(f: Facts) -> dict[str, Any]:
    """As many as the cosine of the learning rate is planned for: nothing stops early."""
    settings: dict[str, Any] = {}
    for model, wanted in _wanted_epochs(f).items():
        count = max(round(wanted * f.plan.epochs), 1)
        settings[f"{model}.training.epochs"] = count
        settings[f"{model}.training.patience"] = count
        settings[f"{model}.training.validation_targets"] = VALIDATED
    return settings


def _wanted_epochs(f: Facts) -> dict[str, float]:
    """Of each model, before the plan stretches or shortens them."""
    full = next((count for most, count in EPOCHS if f.logs.events < most), FEWEST_EPOCHS)
    student = TEXT_STUDENT_SHARE if f.uses_text else STUDENT_SHARE
    if has_students_of_sasrec(f):
        student = 1.0  # its item vectors are new
    return {
        "embed_items": float(full),
        "train_teacher": LLM_EPOCHS if f.plan.pretrained else TEACHER_SHARE * full,
        "distill_student": student * full,
    }


def further_graphs(f: Facts) -> dict[str, Any]:
    """All of them, but of a large catalogue only what searches it: each holds the item table."""
    many = f.logs.items >= MANY_ITEMS
    return {
        "export_onnx.graphs": ["user_tower"] if many else ["serve_fixed", "user_tower", "step"],
        # Measuring one means lists of all items for thousands of histories.
        "export_onnx.precisions.wanted": [] if many else ["int8"],
    }


def hidden_inputs(f: Facts) -> dict[str, Any]:
    """Without titles decoders learn better from inputs of which a fifth is hidden, SASRec not."""
    rate = HARDLY_HIDDEN if f.uses_text else HIDDEN
    of_student = HARDLY_HIDDEN if has_students_of_sasrec(f) else rate
    return {
        "embed_items.training.unknown_rate": HARDLY_HIDDEN,
        "train_teacher.training.unknown_rate": HARDLY_HIDDEN if f.plan.pretrained else rate,
        "distill_student.training.unknown_rate": of_student,
    }
