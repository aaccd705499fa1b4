"""From a landing folder into the clone's data: what is complete, new, stable, each content once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.budget import Budget
from flows.champion import bring_champion
from flows.clone import Clone
from flows.cuts import Cuts
from flows.data_version import (
    PIN,
    Log,
    add_files,
    carry_over,
    check_out,
    contents,
    log_globs,
    share_cache,
)
from flows.landing import Landed, Landing, had_arrived, is_temporary, read_by_prepare
from flows.outcome import Against
from flows.taken import Record, Taken
from slmrec.core.scratch import scratch_folder


@dataclass(frozen=True)
class Order:
    """What a run is asked for: the parameters of the deployment."""

    landing: str
    date: date | None
    budget: Budget | None
    force: bool
    dry_run: bool
    gate: Against
    override: str | None
    refit: Cuts | None
    settle_seconds: float
    warm: bool


@dataclass(frozen=True)
class Fetched:
    """A file that was read to its end while nobody wrote to it."""

    file: Landed
    md5: str
    is_new: bool  # whether no version holds its content yet

    def as_taken(self, version: str) -> Taken:
        """The same, as the record keeps it."""
        file = self.file
        return Taken(
            name=file.name, size=file.size, modified=file.modified, md5=self.md5, version=version
        )


def look(order: Order, record: Record, clone: Path, log: Log) -> list[Landed]:
    """The files that may be new: complete, named by params.yaml, arrived by the date, not yet read.

    Raises UsageError where the folder is not there, or a file came after the date and is taken.
    """
    if order.date:
        record.check_date(order.date)
    files = record.new_among(Landing(order.landing).look().values())
    for file in files:
        if is_temporary(file):
            log(f"left for later: {file.name} is not complete")
    files = [file for file in files if not is_temporary(file)]
    wanted = read_by_prepare((file.name for file in files), log_globs(clone))
    for file in files:
        if file.name not in wanted:
            log(f"left alone: {file.name} matches none of prepare's files in params.yaml")
    return [
        file
        for file in files
        if file.name in wanted and (order.date is None or had_arrived(file, order.date))
    ]


def take_in(
    order: Order,
    record: Record,
    clone: Clone,
    found: Iterable[Landed],
    champion: Path | None,
    log: Log,
) -> list[Fetched]:
    """Make a new data version of the clone's last one and what is new; returns what was read.

    `champion` is the version that its models go on from. Without anything new the data stays as it
    is, unless the run is forced: then those models are what may differ.
    """
    since = time.monotonic()
    with scratch_folder(clone.folder.with_name("landed")) as folder:
        read = _read(order, found, folder, log)
        # Neither DVC's start nor the wait is needed to see that all of it was taken before: a file
        # that still grows will show another size.
        if read and not order.force and set(read.values()) <= record.contents():
            return _judge(read, record.contents(), log)
        share_cache(clone.project, clone.folder)
        check_out(clone.folder, log)
        known = contents(clone.folder) | record.contents()
        fetched = _judge(_settled(order, read, since, log), known, log)
        names = [each.file.name for each in fetched if each.is_new]
        if names:
            carry_over(clone.folder, log)
        # A forced run may find nothing new, and still goes on from other models, or from none.
        if names or (order.force and (clone.folder / PIN).is_file()):
            if order.warm and champion is None:
                log("nothing is published yet, so trainings start anew")
            bring_champion(clone.folder, champion)
            add_files(clone.folder, folder, names, log)
    return fetched


def _read(order: Order, found: Iterable[Landed], folder: Path, log: Log) -> dict[Landed, str]:
    """Copy the files that look as they did; MD5 of what was copied."""
    landing = Landing(order.landing)
    files = _unchanged(found, landing, log)
    return {file: landing.fetch(file, folder / file.name) for file in files}


def _settled(order: Order, read: dict[Landed, str], since: float, log: Log) -> dict[Landed, str]:
    """Those that still look the same `settle_seconds` after a moment of the monotonic clock."""
    if read:
        time.sleep(max(order.settle_seconds - (time.monotonic() - since), 0))
    return {file: read[file] for file in _unchanged(read, Landing(order.landing), log)}


def _judge(read: dict[Landed, str], known: set[str], log: Log) -> list[Fetched]:
    fetched: list[Fetched] = []
    for file, content in read.items():
        is_new = content not in known
        log(f"{'new' if is_new else 'known already'}: {file.name}, {file.size:,} bytes")
        fetched.append(Fetched(file, content, is_new))
        known = known | {content}
    return fetched


def _unchanged(found: Iterable[Landed], landing: Landing, log: Log) -> list[Landed]:
    files = list(found)
    now = landing.look() if files else {}
    for file in files:
        if now.get(file.name) != file:
            log(f"left for later: {file.name} is being written")
    return [file for file in files if now.get(file.name) == file]
