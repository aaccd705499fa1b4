"""Small raw logs on disk, and prepare, validate and split run on them in a folder of their own."""

from __future__ import annotations

import copy
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from ruamel.yaml import YAML

from slmrec.core.files import sha256_of_folder
from slmrec.params.prepare import EventSource
from slmrec.stages import prepare, split, validate
from tests.support.project import ROOT

Event = tuple[str, str, int, float]  # user, item, seconds, weight
START = 1_700_000_000  # seconds: 2023-11-14 22:13:20 UTC
DAY = 86_400  # seconds
TEXT = {"delimiter": None, "header": "first_line", "names": None, "encoding": "utf-8"}


def params(**changes: Any) -> dict[str, Any]:
    """The project's params.yaml for logs of user, item, time and weight.

    A change names its key with underscores: prepare__events__format.
    """
    sections: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    sections["prepare"]["events"].update(
        files=["logs/**/*"], format="by_name", columns=event_columns()
    )
    sections["prepare"].update(
        items=None, earliest="1971-01-01T00:00:00Z", latest="2090-01-01T00:00:00Z"
    )
    for name, value in copy.deepcopy(changes).items():
        *keys, last = name.split("__")
        section = sections
        for key in keys:
            section = section[key]
        section[last] = value
    for source in (sections["prepare"]["events"], sections["prepare"]["items"]):
        if source is not None:
            source.update(TEXT | source)
    return sections


def source(*files: str, **changes: Any) -> EventSource:
    """The section prepare.events of such logs, for these globs."""
    section = params()["prepare"]["events"]
    return EventSource.model_validate({**section, "files": files, **changes})


def event_columns(**changes: str | list[str] | None) -> dict[str, str | list[str] | None]:
    """The columns of such logs, as prepare.events.columns names them."""
    names: dict[str, str | list[str] | None] = {
        name: name for name in ("user", "item", "time", "weight")
    }
    return {**names, "sequence": None, "type": None, **changes}


def item_source(
    *files: str,
    item: str = "id",
    title: str | None = None,
    others: Sequence[str] = (),
    **changes: Any,
) -> dict[str, Any]:
    """A section prepare.items of text files; a change names its key."""
    text = {"delimiter": None, "header": "first_line", "names": None, "encoding": "utf-8"}
    columns = {"item": item, "title": title, "others": list(others)}
    return {"files": list(files), "format": "by_name", **text, "columns": columns, **changes}


@dataclass(frozen=True)
class Workshop:
    """A folder with params.yaml and data/; the process must stand in it (see the fixture)."""

    home: Path

    def set(self, **changes: Any) -> None:
        """Write params.yaml with these changes."""
        with (self.home / "params.yaml").open("w") as stream:
            YAML(typ="safe").dump(params(**changes), stream)

    def deliver(self, name: str, content: bytes) -> None:
        """Put a raw file into data/logs."""
        path = self.home / "data" / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def deliver_days(self, days: range) -> None:
        """Put one raw file for each day into data/logs."""
        for number in days:
            self.deliver(f"day={number:03d}/events.csv", as_csv(day_of_events(number)))

    def clear(self) -> None:
        """Take all raw files away."""
        for path in sorted((self.home / "data" / "logs").rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()

    def prepare(self) -> dict[str, Any]:
        """Run prepare; returns metrics/data.json."""
        prepare.main(
            Path("data"),
            events_dir=Path("events"),
            champion_dir=Path("champion"),
            metrics_path=Path("data.json"),
        )
        counts: dict[str, Any] = json.loads(Path("data.json").read_text())
        return counts

    def validate(self) -> dict[str, Any]:
        """Run validate; returns result.json, and leaves page.html beside it."""
        validate.main(
            Path("events"), validation_dir=Path("validation"), page_path=Path("page.html")
        )
        result: dict[str, Any] = json.loads(Path("validation/result.json").read_text())
        return result

    def split(self) -> dict[str, Any]:
        """Run split; returns its summary."""
        split.main(Path("events"), Path("validation"), histories_dir=Path("histories"))
        summary: dict[str, Any] = json.loads(Path("histories/summary.json").read_text())
        return summary

    def quarantine(self) -> pl.DataFrame:
        """The quarantine table, sorted."""
        return pl.read_parquet("events/quarantine.parquet").sort("file", "row", "reason")

    def events(self) -> pl.DataFrame:
        """All events in order, with the ids instead of the indices."""
        table = pl.concat(
            [
                pl.read_parquet(path, hive_partitioning=False)
                for path in sorted(Path("events/events").glob("*/*"))
            ]
        )
        users, items = (
            pl.read_parquet("events/users.parquet"),
            pl.read_parquet("events/items.parquet"),
        )
        table = table.join(users, on="user_index", maintain_order="left").join(
            items, on="item_index", maintain_order="left"
        )
        return table.select("user", "item", "time", "weight")

    def promised_bytes(self) -> str:
        """Digest of what must have the same bytes: events, users, items, histories."""
        Path("events/quarantine.parquet").unlink()
        return sha256_of_folder(Path("events"), "*") + sha256_of_folder(Path("histories"), "*")

    def stage(
        self, module: str, *words: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a stage as DVC does, in a process of its own."""
        variables = (
            os.environ
            | {"PYTHONPATH": str(ROOT), "SLMREC_CACHE": str(self.home / "cache")}
            | environment
        )
        command = [sys.executable, "-m", f"slmrec.stages.{module}", *words]
        return subprocess.run(
            command, cwd=self.home, env=variables, capture_output=True, text=True, check=False
        )


def day_of_events(number: int, size: int = 30) -> list[Event]:
    """Events of the day `number` days after START, of a few users and items."""
    return [
        (
            f"user {number * place % 17}",
            f"item {number + place % 23}",
            START + number * DAY + place,
            1.0,
        )
        for place in range(size)
    ]


def as_csv(events: Sequence[Event]) -> bytes:
    lines = [
        "user,item,time,weight",
        *(f"{user},{item},{time},{weight}" for user, item, time, weight in events),
    ]
    return ("\n".join(lines) + "\n").encode()


def as_tsv(events: list[Event]) -> bytes:
    return as_csv(events).replace(b",", b"\t")


def as_jsonl(events: list[Event]) -> bytes:
    records = [
        dict(zip(("user", "item", "time", "weight"), event, strict=True)) for event in events
    ]
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def as_parquet(events: list[Event]) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(events, schema=["user", "item", "time", "weight"], orient="row").write_parquet(
        stream
    )
    return stream.getvalue()


def as_zip(members: dict[str, bytes]) -> bytes:
    """A zip archive of files by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def as_zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


FORMS: dict[str, Callable[[list[Event]], bytes]] = {
    "csv": as_csv,
    "tsv": as_tsv,
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "csv.gz": lambda events: gzip.compress(as_csv(events)),
    "jsonl.zst": lambda events: as_zst(as_jsonl(events)),
}
