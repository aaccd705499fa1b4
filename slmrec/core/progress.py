"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

SECONDS_BETWEEN_LINES = 30.0


class Progress:
    """`with Progress(name, total) as progress: progress.step(done, figures)`."""

    def __init__(self, name: str, total: int) -> None:
        self.name = name
        self.total = total
        self.last_line_at = time.monotonic()
        self.bar = _new_bar() if sys.stdout.isatty() else None
        self.task = self.bar.add_task(name, total=total) if self.bar else None

    def __enter__(self) -> Progress:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar:
            self.bar.stop()

    def step(self, done: int, figures: Mapping[str, float]) -> None:
        """Show how much of the total is done; without a bar, at most one line in half a minute."""
        shown = [f"{name} {value:.4f}" for name, value in figures.items()]
        if self.bar and self.task is not None:
            description = f"{self.name} {' '.join(shown)}"
            self.bar.update(self.task, completed=done, description=description)
        elif time.monotonic() - self.last_line_at > SECONDS_BETWEEN_LINES:
            self.line(" ".join([f"{done}/{self.total}", *shown]))

    def line(self, text: str) -> None:
        """Print a line that stays, on a terminal above the bar."""
        self.last_line_at = time.monotonic()
        if self.bar:
            self.bar.console.print(f"{self.name}: {text}", highlight=False)
        else:
            print(f"{self.name}: {text}", flush=True)


def _new_bar() -> Bar:
    description = TextColumn("{task.description}")
    return Bar(description, BarColumn(), TimeRemainingColumn(), console=Console())
