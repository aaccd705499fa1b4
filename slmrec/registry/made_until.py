"""Up to when events made a version: what it may be measured on beside another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slmrec.core.errors import UsageError
from slmrec.dataset.histories import Histories


@dataclass(frozen=True)
class MadeUntil:
    """How a version's events were split, and the first moment that neither trained nor chose it."""

    version: str
    method: str  # temporal or leave_one_out
    test_from_us: int | None  # of a temporal split; microseconds since 1970 UTC

    @staticmethod
    def of(record: Mapping[str, Any]) -> MadeUntil:
        """What the registry's record of a version says."""
        window = record["window"]
        return MadeUntil(record["version"], window["method"], window.get("test_from_us"))

    def unseen(self, histories: Histories) -> np.ndarray:
        """Places (M,) of the test targets that the version had no part of, M > 0.

        While logs only grow, a user's last event is none that an earlier version was made with by
        leave-one-out. Raises UsageError where no target is left.
        """
        targets = histories.targets["test"]
        if self.test_from_us is None:
            if histories.protocol.method == self.method:
                return np.arange(len(targets.row))
            raise UsageError(
                f"the champion {self.version} was split {self.method} and these histories are not, "
                "so it may know every target; hold the challenger against the baselines alone "
                "(--against baselines)"
            )
        unseen = np.flatnonzero(histories.target_times(targets) >= self.test_from_us)
        if not len(unseen):
            raise UsageError(
                f"the champion {self.version} was made with events up to {self._until}, after all "
                f"{len(targets.row):,} targets of this window; wait for newer logs, or hold the "
                "challenger against the baselines alone (--against baselines)"
            )
        return unseen

    @property
    def _until(self) -> str:
        assert self.test_from_us is not None
        return f"{np.datetime64(self.test_from_us, 'us').astype('M8[s]')} UTC"

    def line(self, unseen: int, targets: int) -> str | None:
        """What a person should know of the targets left out; None where there is none."""
        if unseen == targets:
            return None
        return (
            f"{targets - unseen:,} of {targets:,} targets are older than {self._until}, up to when "
            f"events made the champion {self.version}; both are compared on the others"
        )
