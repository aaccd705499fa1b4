"""Seconds by the clock and of the processor, side by side.

A shared machine makes the clock measure its neighbours too; processor seconds are this process's
own. Only the standard library is needed, so that peers can use it in their own environments.
"""

from __future__ import annotations

import time


class Stopwatch:
    """Runs from the moment it is made."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.processor_started = time.process_time()

    def read(self) -> dict[str, float]:
        """The seconds since it was made: `seconds` and `processor_seconds`."""
        return {
            "seconds": time.perf_counter() - self.started,
            "processor_seconds": time.process_time() - self.processor_started,
        }
