"""The trial of a model that is trained again: the same settings, made of fewer events.

A model that is to know the newest events leaves few of them to measure it on. So its settings are
judged first, on a wide window that training ends before; the verdict on that counts for what needs
many targets, and the model itself is held against the champion on what is left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from slmrec.core.errors import DataError, UsageError


@dataclass(frozen=True)
class Trial:
    """A verdict that lets its challenger pass, as `slmrec publish --dry-run` wrote it."""

    content: bytes
    targets: int
    judged: str  # sha256 of the manifest of the bundle that was judged

    @staticmethod
    def read(path: Path) -> Trial:
        """Raises DataError where it is no verdict, and UsageError where it publishes nothing."""
        try:
            content = path.read_bytes()
            verdict = json.loads(content)
            passed, targets = verdict["publishes"], verdict["window"]["targets"]
            trial = Trial(content, targets, verdict["challenger"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is not a verdict ({type(error).__name__}: {error}), expected the "
                "gate.json that slmrec publish --dry-run writes"
            ) from error
        if not passed:
            raise UsageError(f"{path}: the trial did not pass the gate, so nothing may follow it")
        return trial

    @property
    def why(self) -> str:
        """Why a rule that the trial was judged by binds nothing after it."""
        return f"judged by the trial, on {self.targets:,} targets"
