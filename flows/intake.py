"""From a landing folder into the clone's data: what is complete, new, stable, each content once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flows.clone import Clone
from flows.data_version import Log, add_files, carry_over, check_out, contents, log_globs
from flows.landing import Landed, Landing, had_arrived, is_temporary, read_by_prepare
from flows.taken import Record, Taken
from slmrec.core.scratch import scratch_folder


@dataclass(frozen=True)
class Order:
    """What a run is asked for: the parameters of the deployment."""

    landing: str
    date: date | None
    force: bool
    dry_run: bool
    override: str | None
    settle_seconds: float


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
    order: Order, record: Record, clone: Clone, found: Iterable[Landed], log: Log
) -> list[Fetched]:
    """Make a new data version of the clone's last one and what is new; returns what was read.

    Without anything new the data stays as it is.
    """
    check_out(clone.folder, log)
    known = contents(clone.folder) | record.contents()
    with scratch_folder(clone.folder.with_name("landed")) as folder:
        fetched = _fetch_stable(order, found, folder, known, log)
        names = [each.file.name for each in fetched if each.is_new]
        if names:
            carry_over(clone.folder, log)
            add_files(clone.folder, folder, names, log)
    return fetched


def _fetch_stable(
    order: Order, found: Iterable[Landed], folder: Path, known: set[str], log: Log
) -> list[Fetched]:
    """Read the files that look the same before, `settle_seconds` later, and when they are read."""
    landing, files = Landing(order.landing), list(found)
    if files:
        time.sleep(order.settle_seconds)
    files = _unchanged(files, landing, log)
    md5 = {file.name: landing.fetch(file, folder / file.name) for file in files}
    fetched: list[Fetched] = []
    for file in _unchanged(files, landing, log):
        content = md5[file.name]
        is_new = content not in known
        log(f"{'new' if is_new else 'known already'}: {file.name}, {file.size:,} bytes")
        fetched.append(Fetched(file, content, is_new))
        known = known | {content}
    return fetched


def _unchanged(files: list[Landed], landing: Landing, log: Log) -> list[Landed]:
    now = landing.look() if files else {}
    for file in files:
        if now.get(file.name) != file:
            log(f"left for later: {file.name} is being written")
    return [file for file in files if now.get(file.name) == file]
