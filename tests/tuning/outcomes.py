"""Outcomes as a search would leave them."""

from __future__ import annotations

from slmrec.tuning.outcome import Outcome, TrialRow

RATE = "embed_items.training.learning_rate"
TRIALS = [
    TrialRow(0, 30, "complete", 0.2, 60.0, "params.yaml", {RATE: 0.003}, ""),
    TrialRow(1, 30, "complete", 0.25, 50.0, "search", {RATE: 0.002}, ""),
    TrialRow(2, 30, "stopped early", 0.1, 9.0, "search", {RATE: 0.001}, ""),
    TrialRow(3, 30, "failed", None, 1.0, "search", {RATE: 9.0}, "term <ranking> is nan"),
]
FOUND = Outcome("item_vectors", {RATE: 0.003}, 0.2, {RATE: 0.002}, 0.25, TRIALS, {RATE: 1.0})
WEIGHT = "distill_student.weights.logits"
STUDENT = Outcome("student", {WEIGHT: 1.0}, 0.3, {WEIGHT: 1.0}, 0.3, TRIALS[:1], {})
ALONE = Outcome("without_distillation", {}, 0.29, {}, 0.29, TRIALS[:1], {})
