"""Text, teacher, ensemble, and what the student learns from them."""

from __future__ import annotations

from typing import Any

from slmrec.init.facts import TITLES_NEEDED, Facts
from slmrec.init.rules.model_rules import LOW_PASS
from slmrec.init.rules.split_rules import comes_back, splits_by_time

DISK_BYTES = 8e9  # that recorded states may take
LLM_WIDTH, SCRATCH_WIDTH = 576, 128
TOP = 64  # items that are recorded at a position
STATE_BYTES, ITEM_BYTES = 2, 6  # of a state's number; of an item and its score
MOST_ITEMS_OF_FOLDS = 200_000  # 5 tables of 50 neighbours, 8 bytes each: 400 MB
NEW_ITEMS_MAY_COST = 0.01  # share of NDCG@10, where new items are among the targets
LORA = {
    "kind": "lora",
    "rank": 16,
    "alpha": 16,
    "dropout": 0.05,
    "targets": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}


def text(f: Facts) -> dict[str, Any]:
    """Titles as vectors, where they are and say more than the events do."""
    if not f.uses_text:
        return {"embed_items.text": "none"}
    encoders = ["minilm", "smollm2-words"] if f.extras.llm else ["minilm"]
    cost = NEW_ITEMS_MAY_COST if splits_by_time(f) else 0.0
    vectors = {"encoders": encoders, "hidden_ids": 0.1, "new_items_may_cost": cost}
    return {"embed_items.text": vectors}


def why_text(f: Facts) -> str:
    """What decided for or against titles."""
    if not f.has_titles:
        return "there are no titles"
    if f.logs.titled < TITLES_NEEDED:
        return f"only {f.logs.titled:.0%} of the events are of an item with a title"
    coverage = f"titles of {f.logs.titled:.0%} of the events, {f.logs.events_per_item:.0f} an item"
    return coverage if f.uses_text or not f.text_would_help else f"{coverage}; packages are missing"


def ensemble(f: Facts) -> dict[str, Any]:
    """Further seeds, and a shape of their own, whose mean students imitate."""
    return {
        "embed_items.ensemble_seeds": [2 + number for number in range(f.plan.members)],
        "embed_items.ensemble_low_pass": LOW_PASS if f.plan.members else None,
    }


def teacher(f: Facts) -> dict[str, Any]:
    """SmolLM2's first layers where titles say something to it, else layers from scratch."""
    layers = f.plan.teacher_layers
    shape = {"width": SCRATCH_WIDTH, "heads": 2, "key_value_heads": 2, "feed_forward": 256}
    backbone: dict[str, Any] = {"kind": "config", "layers": layers, **shape}
    if f.plan.pretrained:
        cut = {"rule": "first", "layers": layers}
        backbone = {"kind": "smollm2-135m", "prompt": None, "cut": cut, "tuning": LORA}
    return {
        "train_teacher.backbone": backbone,
        "train_teacher.layer_drop": 0.0 if f.plan.pretrained else 0.1,
        "train_teacher.item_vectors": "trained",
    }


def recorded(f: Facts) -> dict[str, Any]:
    """The teacher's last layer alone: students imitate scores, not states."""
    width = LLM_WIDTH if f.plan.pretrained else SCRATCH_WIDTH
    top = max(min(TOP, f.logs.items // 2), 1)
    size = f.logs.events * (STATE_BYTES * width + ITEM_BYTES * top)
    return {
        "record_states.blocks": [f.plan.teacher_layers],
        "record_states.top": top,
        "record_states.keep": "disk" if size < DISK_BYTES else "nothing",
    }


def neighbour_member(f: Facts) -> dict[str, Any]:
    """Neighbours found among other users, where targets come later than all of training.

    Where each user's last event is the target the student gains by them, and what is served, which
    has neighbours anyway, loses. Nor are they taught where people come back to what they had: the
    graph knows no item as its own neighbour, and would teach to leave that out.
    """
    member = {"folds": 5, "decay": 0.8, "weight": 1.0, "epsilon": 1.0}
    # A table a fold is a matter of megabytes.
    taught = f.logs.items <= MOST_ITEMS_OF_FOLDS and splits_by_time(f) and not comes_back(f)
    return {"record_states.neighbours": member if taught else None}


def student_weights(_: Facts) -> dict[str, Any]:
    """Scores of the ensemble twice as much as the next item; states not at all."""
    terms = {"cosine": 0.0, "norm": 0.0, "multi_supervision": 0.0, "logits": 2.0}
    return {
        "distill_student.weights": {"ranking": 1.0, **terms},
        "distill_student.teaching": {"kind": "offline"},
    }
