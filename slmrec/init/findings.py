"""What lies in data/: which files hold the events, which the items, and what their columns are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from slmrec.core.errors import DataError, UsageError
from slmrec.init.answers import LINES, NONE, Answers
from slmrec.init.columns.attributes import title_beside_events
from slmrec.init.columns.catalogues import (
    Catalogue,
    Table,
    catalogues_of,
    choose_catalogue,
    find_title,
    link_strength,
    profile_table,
)
from slmrec.init.columns.event_tables import EventRoles, read_as_events
from slmrec.init.columns.names import ITEM, weight_of_name
from slmrec.init.columns.profiles import Profile
from slmrec.init.samples.file_groups import find_tables, sample_again
from slmrec.init.samples.raw_files import UnreadableFileError
from slmrec.init.samples.sampled_table import OBJECTS
from slmrec.init.samples.text_samples import TextChoices

LARGE = 20_000_000  # events, from which on they are not read a second time for their titles


@dataclass(frozen=True)
class Findings:
    """Events and items as understood, what else lies there, and files that are no tables."""

    events: EventRoles
    items: Catalogue | None
    rivals: list[EventRoles]  # other tables that could be read as events, best first
    tables: list[Table]
    unreadable: dict[str, str]


def inspect(data_dir: Path, answers: Answers) -> Findings:
    """Look at every file below `data_dir`.

    Raises DataError where no file holds events, UsageError where an answer names what is not there.
    """
    if not data_dir.is_dir():
        raise UsageError(f"{data_dir} is no folder; put your logs there, or name another folder")
    sources, unreadable = find_tables(data_dir)
    tables = [profile_table(source) for source in sources]
    tables = _read_as_said(tables, answers)
    candidates = _event_candidates(tables, answers)
    if not candidates:
        raise DataError(_why_no_events(data_dir, tables, unreadable))
    events, *rivals = candidates
    return Findings(events, _items(events, tables, answers), rivals, tables, unreadable)


def _read_as_said(tables: list[Table], answers: Answers) -> list[Table]:
    """The tables, that of the events in the encoding and with the header that the person says."""
    if answers.encoding is None and answers.header is None:
        return tables
    likeliest = _best_tables(tables, Answers(events_file=answers.events_file))
    if not likeliest:
        return tables
    events = likeliest[0].table
    again = _sampled_again(events, TextChoices(answers.encoding, answers.header))
    return [again if table is events else table for table in tables]


def _event_candidates(tables: list[Table], answers: Answers) -> list[EventRoles]:
    """Tables that have a user and an item, best first, of those with the columns that were said.

    Raises UsageError where none has them.
    """
    names = [answers.user, answers.item, answers.time, answers.sequence, answers.weight]
    wanted = {name for name in (*names, answers.type) if name not in (None, NONE, LINES)}
    having = [table for table in tables if wanted <= {column.name for column in table.columns}]
    if having:
        return _best_tables(having, answers)
    likeliest = _best_tables(tables, Answers(events_file=answers.events_file))
    return _best_tables([roles.table for roles in likeliest[:1]] or tables, answers)


def _best_tables(tables: list[Table], answers: Answers) -> list[EventRoles]:
    chosen = _named_tables(tables, answers.events_file, "--events-file")
    catalogues = catalogues_of(tables)
    readings = [read_as_events(table, catalogues, answers) for table in chosen]
    return sorted((roles for roles in readings if roles), key=lambda roles: -roles.score)


def _named_tables(tables: Sequence[Table], name: str | None, flag: str) -> Sequence[Table]:
    if name is None:
        return tables
    chosen = [
        table
        for table in tables
        if name in table.source.globs or any(fnmatch(f.name, name) for f in table.source.files)
    ]
    if not chosen:
        there = ", ".join(table.name for table in tables) or "none"
        raise UsageError(f"{flag} is {name!r}, but the tables that can be read are: {there}")
    return [_merged(chosen, name)] if len(chosen) > 1 else chosen


def _merged(tables: Sequence[Table], name: str) -> Table:
    """Tables that one glob names, as one. Raises UsageError where their columns differ."""
    if len({table.source.table.names for table in tables}) > 1:
        there = ", ".join(table.name for table in tables)
        raise UsageError(f"{name!r} names tables with different columns: {there}; name one of them")
    files = tuple(file for table in tables for file in table.source.files)
    return replace(tables[0], source=replace(tables[0].source, files=files, globs=(name,)))


def _sampled_again(table: Table, choices: TextChoices) -> Table:
    try:
        return profile_table(sample_again(table.source, choices))
    except (UnreadableFileError, LookupError) as error:
        raise UsageError(f"{table.name} cannot be read so: {error}") from error


def _items(events: EventRoles, tables: Sequence[Table], answers: Answers) -> Catalogue | None:
    """The table that lists the items, or titles that stand beside the events."""
    if answers.items_file == NONE:
        return None
    item = events.profile(events.item.name)
    if answers.items_file is not None:
        table = _named_tables(tables, answers.items_file, "--items-file")[0]
        return _catalogue_in(table, item, answers)
    catalogue = choose_catalogue(item, events.table, catalogues_of(tables))
    if catalogue is not None:
        return _catalogue_in(catalogue.table, item, answers)
    title = _title_beside(events, answers)
    return Catalogue(events.table, item, events.profile(title)) if title else None


def _catalogue_in(table: Table, item: Profile, answers: Answers) -> Catalogue:
    """The table read as a list of items: its key is what the events' items are found in."""
    if answers.items_encoding or answers.items_header:
        table = _sampled_again(table, TextChoices(answers.items_encoding, answers.items_header))
    keys = catalogues_of([table]) or [Catalogue(table, column, None) for column in table.columns]
    best = max(keys, key=lambda catalogue: link_strength(item, catalogue))
    if answers.title == NONE:
        return replace(best, title=None)
    if answers.title is None:
        return replace(best, title=find_title(table, best.key))
    if answers.title not in {column.name for column in table.columns}:
        columns = ", ".join(column.name for column in table.columns)
        raise UsageError(f"--title is {answers.title!r}, but {table.name} has columns {columns}")
    return replace(best, title=table.column(answers.title))


def _title_beside(events: EventRoles, answers: Answers) -> str | None:
    if answers.title is not None:
        known = {column.name for column in events.table.columns}
        return answers.title if answers.title in known else None
    if events.table.source.rows > LARGE:
        return None
    item = events.profile(events.item.name)
    return title_beside_events(item, events.table.columns, events.taken)


def _why_no_events(data_dir: Path, tables: Sequence[Table], unreadable: dict[str, str]) -> str:
    for table in tables:
        for column in table.columns:
            keys = column.column.keys
            if column.column.kind == OBJECTS and any(weight_of_name(key, ITEM) for key in keys):
                name = column.name
                return (
                    f"{table.name}: column {name} holds lists of objects ({', '.join(keys)}), "
                    "which are no ids; write one event a line: "
                    f"jq -c '. as $row | .{name}[] + ($row | del(.{name}))' old > new.jsonl"
                )
    if not tables and not unreadable:
        return f"{data_dir} holds no logs; put them there, or run slmrec fetch-demo"
    readable = [f"{table.name} ({', '.join(c.name for c in table.columns)})" for table in tables]
    failed = [f"{name}: {why}" for name, why in unreadable.items()]
    return (
        f"no file below {data_dir} has a column of users and one of items: "
        f"{'; '.join([*readable, *failed])}; name them with --user and --item"
    )
