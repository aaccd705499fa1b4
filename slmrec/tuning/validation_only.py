"""Histories as a search sees them: without their test targets."""

from __future__ import annotations

from dataclasses import replace

from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.training.run import Curve

Trained = tuple[SequenceModel, Curve]


def without_test(histories: Histories) -> Histories:
    """The histories without their test targets: whoever asks for them fails."""
    return replace(histories, targets={"valid": histories.targets["valid"]})
