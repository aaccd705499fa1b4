"""What every peer's SASRec is given and gives back. Needs the standard library and torch alone.

A peer is called as: python -m benchmarks.peers.NAME_sasrec EVENTS SETTINGS.json RECOMMENDED.csv.
It writes ten items a user to RECOMMENDED and prints the seconds of each epoch as JSON.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.stopwatch import Stopwatch

LIST_LENGTH = 10
BATCH = 128  # histories


@dataclass(frozen=True)
class Task:
    """The events, the shape of the model and how it is trained, and where the lists go."""

    events: Path
    recommended: Path
    width: int
    layers: int
    heads: int
    max_length: int
    epochs: int
    seed: int
    threads: int


def read_task() -> Task:
    """The command line; torch is set to the task's threads."""
    events, settings, recommended = map(Path, sys.argv[1:])
    task = Task(events, recommended, **json.loads(settings.read_text()))
    torch.set_num_threads(task.threads)
    return task


class EpochTimes:
    """The seconds of each epoch, by the clock and of the processor."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def start(self) -> None:
        """An epoch begins."""
        self.stopwatch = Stopwatch()

    def stop(self) -> None:
        """It has ended; its seconds are shown on standard error."""
        self.epochs.append(self.stopwatch.read())
        print(self.epochs[-1], file=sys.stderr, flush=True)

    def print(self) -> None:
        """All epochs as one line of JSON, the last that is printed."""
        print(json.dumps(self.epochs))


def write_lists(path: Path, rows: Iterable[tuple[Any, Any, int]]) -> None:
    """Write (user, item, rank) rows as CSV; ranks count from 1."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["user_id", "item_id", "rank"])
        writer.writerows(rows)
