"""How long the stages of a run may take; what goes beyond it is ended, and the champion stays."""

from __future__ import annotations

import time
from dataclasses import dataclass

from slmrec.core.errors import BudgetError


@dataclass(frozen=True)
class Budget:
    """Minutes, and the moment (of `time.monotonic`) at which they are over."""

    minutes: float
    over_at: float

    @staticmethod
    def of(minutes: float | None) -> Budget | None:
        """So many minutes from now; None for as long as it takes."""
        return None if minutes is None else Budget(minutes, time.monotonic() + 60 * minutes)

    def seconds_left(self) -> float:
        """Below 0 once it is spent."""
        return self.over_at - time.monotonic()

    def spent_in(self, stage: str) -> BudgetError:
        """What a run ends with that was in `stage` when it was over."""
        return BudgetError(
            f"{stage} was not finished within the budget of {self.minutes:g} minutes, so nothing "
            "is published; the next run takes the same files and goes on from the last checkpoint: "
            "give it more minutes, or train less (slmrec init --budget sizes params.yaml)"
        )
