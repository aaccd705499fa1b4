"""A simulated year of a shop: its projects, the landing folder that a day arrives in, incidents."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from ruamel.yaml import YAML

from benchmarks.arguments import PROJECT
from benchmarks.workspace import changed_params
from flows.server_process import HOST, free_port, temporary_server
from slmrec.core.errors import DataError
from slmrec.core.files import new_file
from slmrec.demo.simulated_world import FIRST_DAY
from slmrec.demo.simulation import simulate

USERS, EVENTS, SEED = 500, 60_000, 11
POISONED, TEN_TIMES, RECYCLED = "a poisoned day", "a day ten times larger", "recycled item ids"
PIECES = 10  # copies of its events that the larger day holds
# How the events of `slmrec simulate` are read.
EVENT_FILES: dict[str, Any] = {
    "files": ["events/**/*.parquet"],
    "format": "parquet",
    "delimiter": None,
    "header": "first_line",
    "names": None,
    "encoding": "utf-8",
    "columns": {
        "user": "user_id",
        "item": "item_id",
        "time": "timestamp",
        "sequence": None,
        "weight": None,
        "type": None,
    },
    "time_format": "epoch_s",
    "lists": "refuse",
    "list_separator": None,
}
# Small models, so that a day costs seconds; cuts that roll; and bounds for a window of 1,000 events
# on a machine that is not alone, where two trainings differ by more than on a real shop's logs.
SETTINGS: dict[str, Any] = {
    "compute.threads": 1,
    "prepare.events": EVENT_FILES,
    "prepare.items": None,
    "split.valid_from": "8d",
    "split.test_from": "5d",
    "split.exclude_seen": False,  # the simulated users come back to what they know
    "neighbours.titles": None,
    "neighbours.graph.half_life": 1.0,  # what follows what does not change in this world
    "embed_items.width": 32,
    "embed_items.feed_forward": 64,
    "embed_items.dropout": 0.1,
    "embed_items.training.epochs": 10,
    "embed_items.training.positions_per_batch": 1024,
    "embed_items.training.learning_rate": 0.004,
    "embed_items.training.weight_decay": 0.0,
    "train_teacher.backbone.layers": 4,
    "train_teacher.backbone.width": 64,
    "train_teacher.backbone.feed_forward": 128,
    "train_teacher.dropout": 0.1,
    "train_teacher.layer_drop": 0.0,
    "train_teacher.training.epochs": 6,
    "train_teacher.training.positions_per_batch": 1024,
    "train_teacher.training.learning_rate": 0.003,
    "record_states.blocks": [2, 4],
    "record_states.top": 32,
    "record_states.neighbours": None,  # users come back: docs/settings.md
    "distill_student.decoder.teacher_layers": [1, 3],
    "distill_student.dropout": 0.1,
    "distill_student.training.epochs": 8,
    "distill_student.training.positions_per_batch": 1024,
    "distill_student.training.learning_rate": 0.002,
    "evaluate.negatives": 99,
    "evaluate.bootstrap": 200,
    "evaluate.blend_targets": 1000,
    "export_onnx.graphs": [],
    "export_onnx.precisions.wanted": [],
    "measure_cost.repeats": 1,
    "measure_cost.steps": 1,
    "measure_cost.users": 64,
    "gate.bootstrap": 500,
    "gate.margin": 0.2,
    # Half of the events follow a table of transitions: to count them is nearly the best there is.
    "gate.min_lead": -0.05,
    "gate.max_latency_ratio": 3.0,
    "gate.recorded_histories": 200,
    "gate.keep_versions": 3,
}
# What a warm day trains: a part of what it takes to start from nothing.
WARM_EPOCHS = {
    "embed_items.training.epochs": 2,
    "train_teacher.training.epochs": 2,
    "distill_student.training.epochs": 2,
}
AUTHOR = ("-c", "user.name=shop", "-c", "user.email=shop@localhost")


@dataclass(frozen=True)
class Outcome:
    """How a retraining ended: its exit code, and its last line about it."""

    code: int
    message: str


class Shop:
    """A year of logs, of which a day arrives after the other; made where it is missing."""

    def __init__(self, work_dir: Path) -> None:
        self.year, self.landing = work_dir / "year", work_dir / "landing"
        if not self.year.exists():
            simulate(USERS, EVENTS, SEED, self.year)
        self.landing.mkdir(exist_ok=True)

    def events(self, day: int) -> pl.DataFrame:
        """A day as it was: user_id, item_id and timestamp in seconds, in order of time."""
        return pl.read_parquet(self.year / name_of(day), hive_partitioning=False)

    def deliver(self, day: int, incident: str | None = None) -> None:
        """Let a day arrive at 23:30 UTC, or at 23:00 what an incident made of it."""
        file = self.landing / name_of(day)
        events = self.events(day)
        if incident:
            known = sorted({item for past in range(day) for item in self.events(past)["item_id"]})
            events = spoiled(events, incident, known, seed=day)
        with new_file(file) as temporary:
            events.write_parquet(temporary)
        at = datetime.combine(date_of(day), datetime.min.time(), UTC)
        at += timedelta(hours=23, minutes=0 if incident else 30)
        os.utime(file, (at.timestamp(), at.timestamp()))


class ShopProject:
    """A clone of this project with the shop's settings and its first days as data."""

    def __init__(self, folder: Path, shop: Shop, first: int) -> None:
        self.folder, self.shop = folder, shop
        if not (folder / ".made").is_file():
            self._make(first)

    def _make(self, first: int) -> None:
        subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(self.folder)], check=True)
        self._run("git", "remote", "remove", "origin")  # where versions would be pushed to
        for day in range(first):
            target = self.folder / "data" / name_of(day)
            target.parent.mkdir(parents=True)
            target.write_bytes((self.shop.year / name_of(day)).read_bytes())
        (self.folder / "data.dvc").unlink()  # the demo's
        self._run("dvc", "add", "--quiet", "data")
        self.commit_settings(SETTINGS)
        (self.folder / ".made").touch()

    def commit_settings(self, settings: dict[str, Any]) -> None:
        """Change the project's params.yaml, for every run from now on."""
        params = changed_params(settings, self.folder / "params.yaml")
        with new_file(self.folder / "params.yaml") as temporary, temporary.open("w") as stream:
            YAML().dump(params, stream)
        self._run("git", "add", ".")
        self._run("git", *AUTHOR, "commit", "--quiet", "--message", "the shop's settings")

    def champion(self) -> Path | None:
        """The version that serves; None before the first."""
        current = self.folder / ".state" / "registry" / "current"
        return current.resolve() if current.exists() else None

    def retrain(self, day: int, *options: str) -> Outcome:
        """The real flow as a process, with what had arrived by the end of a day."""
        command = [sys.executable, "-m", "flows.retrain_once", str(self.shop.landing)]
        command += ["--date", str(date_of(day)), "--settle-seconds", "0", *options]
        ended = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False
        )
        said = re.findall(r"^retrain: .*", ended.stdout + ended.stderr, re.MULTILINE)
        if not said:
            raise DataError(f"the retraining said nothing of its end:\n{ended.stderr[-2000:]}")
        return Outcome(ended.returncode, said[-1].removeprefix("retrain: "))

    def _run(self, *command: str) -> None:
        subprocess.run(command, cwd=self.folder, check=True)


@contextmanager
def server_of_its_own(work_dir: Path) -> Iterator[None]:
    """A Prefect server whose state lies in the folder; flows of this process and below use it."""
    work_dir.mkdir(parents=True, exist_ok=True)
    os.environ["PREFECT_HOME"] = str(work_dir / "prefect")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    port = free_port()
    with temporary_server(port):
        os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
        yield


def date_of(day: int) -> date:
    """The date of a day counted from the year's first."""
    return FIRST_DAY + timedelta(days=day)


def name_of(day: int) -> str:
    """A day's file, below the logs."""
    return f"events/date={date_of(day)}/events.parquet"


def spoiled(events: pl.DataFrame, incident: str, known: list[str], seed: int) -> pl.DataFrame:
    """What an incident makes of a day's events; `known` are the items that the shop had before."""
    rng = np.random.default_rng(seed)
    if incident == TEN_TIMES:  # the same events again, seconds later
        copies = [events.with_columns(pl.col("timestamp") + piece) for piece in range(PIECES)]
        return pl.concat(copies).sort("timestamp")
    if incident == POISONED:
        items = pl.Series(known).gather(rng.integers(0, len(known), len(events)))
        users = events["user_id"].gather(rng.permutation(len(events)))
        return events.with_columns(user_id=users, item_id=items)
    others = dict(zip(known, rng.permutation(known).tolist(), strict=True))
    return events.with_columns(pl.col("item_id").replace(others))
