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
        self.started = self.spoken = time.monotonic()
        self.bar = (
            Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                TimeRemainingColumn(),
                console=Console(),
            )
            if sys.stdout.isatty()
            else None
        )
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
        """Say that `done` of the total is done; plain lines are spared to one in half a minute."""
        if self.bar and self.task is not None:
            spelled = " ".join(f"{name} {value:.4f}" for name, value in figures.items())
            self.bar.update(self.task, completed=done, description=f"{self.name} {spelled}")
        elif time.monotonic() - self.spoken > SECONDS_BETWEEN_LINES:
            self.line(
                " ".join(
                    [
                        f"{done}/{self.total}",
                        *(f"{name} {value:.4f}" for name, value in figures.items()),
                    ]
                )
            )

    def line(self, text: str) -> None:
        """A line that stays, on a terminal above the bar."""
        self.spoken = time.monotonic()
        if self.bar:
            self.bar.console.print(f"{self.name}: {text}", highlight=False)
        else:
            print(f"{self.name}: {text}", flush=True)
