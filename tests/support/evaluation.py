"""Parameters of small reports."""

from __future__ import annotations

from typing import Any

from slmrec.params.evaluate import EvaluateParams


def evaluate_params(**changes: Any) -> EvaluateParams:
    """Section `evaluate` for a few users, with changes by name."""
    small: dict[str, Any] = {
        "seed": 1,
        "negatives": 3,
        "bootstrap": 200,
        "recent_days": 30,
        "blend_targets": 50,
        "short_history": 5,
        "tail_share": 0.2,
    }
    return EvaluateParams.model_validate(small | changes)
