"""Which table holds the events, and what each of its columns is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from slmrec.core.errors import UsageError
from slmrec.init.answers import LINES, NONE, Answers
from slmrec.init.columns.attributes import choose_type, choose_weight
from slmrec.init.columns.catalogues import Catalogue, Table, item_links, user_links
from slmrec.init.columns.clock import (
    TIES,
    Columns,
    choose_finer_sequence,
    choose_sequence,
    choose_time,
    is_counter,
    ties_share,
    time_numbers,
)
from slmrec.init.columns.profiles import Profile
from slmrec.init.columns.relations import determines
from slmrec.init.columns.user_item import Choice, Evidence, choose_pair, is_list

EVENT_FILES = re.compile(
    r"event|rating|interact|inter\b|click|view|transaction|review|behavio|log|order|purchase|buy"
    r"|checkin|play|listen|history|histories|action|session|basket|visit"
)
OTHER_FILES = re.compile(
    r"item(?!_)|movie|product|article|meta|catalog|user(?!id)|customer|tags?\b|link|sample"
    r"|submission|test|categor|profile|friend|network|genome|tip"
)
FOLDS_PENALTY = 3.0  # for files that repeat each other's rows
SEQUENCE, CLOCK = 1.0, 2.0  # what a table of events gains by an order, and by times


@dataclass(frozen=True)
class EventRoles:
    """A table read as events: the column of each role, as chosen, or as a person said.

    `counter` says that the sequence column looks like times but only counts, `by_lines` that a
    person said that the lines are in order.
    """

    table: Table
    user: Choice
    item: Choice
    time: Choice | None
    time_format: str | None
    time_rivals: tuple[str, ...]
    sequence: Choice | None
    finer_sequence: str | None  # orders events of one place in the sequence
    weight: str | None
    type: str | None
    counter: bool
    by_lines: bool
    score: float

    def profile(self, name: str) -> Profile:
        return self.table.column(name)

    @property
    def in_lists(self) -> bool:
        """Whether a row may hold several events: the item is a list, or a key of objects in one."""
        exploded = self.table.source.table.exploded
        within = exploded is not None and self.item.name.startswith(f"{exploded}.")
        return within or is_list(self.profile(self.item.name))

    @property
    def ordered_by_lists(self) -> bool:
        """Whether each user has one list, in whose order the events are; several need more."""
        users = self.profile(self.user.name).column.values
        return self.in_lists and len(set(users)) == len(users)

    @property
    def taken(self) -> set[str]:
        """Names of the columns that have a role."""
        chosen = [self.user, self.item, self.time, self.sequence]
        named = {choice.name for choice in chosen if choice is not None}
        others = (self.finer_sequence, self.weight, self.type)
        return named | {name for name in others if name is not None}


def read_as_events(
    table: Table, catalogues: Sequence[Catalogue], answers: Answers
) -> EventRoles | None:
    """The table's columns as events, or None where no two of them are user and item."""
    evidence = _evidence(table, catalogues)
    _check_name(answers.item, table, "--item")
    _check_name(answers.user, table, "--user")
    pair = choose_pair(evidence, answers.user, answers.item)
    if pair is None:
        return None
    user, item = pair.user, pair.item
    columns = Columns(table.columns, table.column(user.name), table.column(item.name))
    time, sequence, counter = _order(table, columns, answers)
    taken = {choice.name for choice in (user, item, time, sequence) if choice is not None}
    named = table.source.table.layout.header != NONE
    owners = [table.column(user.name), table.column(item.name)]
    weight = _named_or(answers.weight, table, choose_weight(_others(table, taken), owners, named))
    kind = _named_or(answers.type, table, choose_type(_others(table, taken | {str(weight)})))
    form = table.column(time.name).time_format if time else None
    ordered = sequence is not None or is_list(table.column(item.name))
    score = user.score + item.score + (CLOCK if time else SEQUENCE if ordered else 0.0)
    return EventRoles(
        table=table,
        user=user,
        item=item,
        time=time,
        time_format=answers.time_format or (form.name if form else None),
        time_rivals=form.rivals if form and not answers.time_format else (),
        sequence=sequence,
        finer_sequence=_finer(columns, sequence) if sequence and not time else None,
        weight=weight,
        type=kind,
        counter=counter,
        by_lines=_by_lines(table, answers),
        score=score + _table_score(table),
    )


def _evidence(table: Table, catalogues: Sequence[Catalogue]) -> Evidence:
    """What users and items are chosen from; the order of the file by its likeliest time."""
    time = choose_time(Columns(table.columns, None, None))
    order = time_numbers(table.column(time.name)) if time else [None] * table.source.table.rows
    return Evidence(
        table.columns,
        order,
        item_links(table, catalogues),
        user_links(table, catalogues),
        any(is_list(column) for column in table.columns),
    )


def _named_choice(name: str | None, table: Table, flag: str) -> Choice | None:
    """The column that a person named, certain. Raises UsageError where the table has none such."""
    _check_name(name, table, flag)
    return None if name is None else Choice(name, 0.0, ())


def _check_name(name: str | None, table: Table, flag: str) -> None:
    if name is not None and name not in {column.name for column in table.columns}:
        columns = ", ".join(column.name for column in table.columns)
        raise UsageError(f"{flag} is {name!r}, but {table.name} has the columns {columns}")


def _named_or(name: str | None, table: Table, chosen: str | None) -> str | None:
    if name == NONE:
        return None
    choice = _named_choice(name, table, "a flag")
    return choice.name if choice else chosen


def _order(
    table: Table, columns: Columns, answers: Answers
) -> tuple[Choice | None, Choice | None, bool]:
    """The columns of time and sequence, and whether the sequence only looks like times."""
    time = (
        None
        if answers.time == NONE
        else _named_choice(answers.time, table, "--time") or choose_time(columns)
    )
    user = columns.user
    assert user is not None
    if time is not None and answers.time is None and is_counter(table.column(time.name), user):
        return None, Choice(time.name, time.score, ()), True
    if answers.sequence is not None:
        if answers.sequence == NONE or _by_lines(table, answers):
            return time, None, False
        return time, _named_choice(answers.sequence, table, "--sequence"), False
    if time is None:
        return None, choose_sequence(columns, has_clock=False), False
    form = table.column(time.name).time_format
    if form is None or ties_share(user, time_numbers(table.column(time.name))) < TIES:
        return time, None, False
    rest = Columns([c for c in columns.profiles if c.name != time.name], user, columns.item)
    return time, choose_sequence(rest, has_clock=True), False


def _by_lines(table: Table, answers: Answers) -> bool:
    """Whether a person said that the lines are in order; a column of that name is a column."""
    return answers.sequence == LINES and all(column.name != LINES for column in table.columns)


def _finer(columns: Columns, sequence: Choice) -> str | None:
    """The column that orders events of one place in the sequence, as the items of a basket."""
    first = next(column for column in columns.profiles if column.name == sequence.name)
    return choose_finer_sequence(columns, first)


def repeats_lists(events: EventRoles) -> bool:
    """Whether a user's rows hold the same list again, so that its events would repeat."""
    user, item = events.profile(events.user.name), events.profile(events.item.name)
    if not is_list(item):
        return False
    lists = item.column.values if item.list_separator else list(map(" ".join, item.column.items))
    return determines(user.column.values, lists) > 0.9


def _others(table: Table, taken: set[str]) -> list[Profile]:
    return [column for column in table.columns if column.name not in taken]


def _table_score(table: Table) -> float:
    """Many rows and the name of the file speak for events."""
    name = table.name.lower()
    hint = 0.7 * bool(EVENT_FILES.search(name)) - 1.0 * bool(OTHER_FILES.search(name))
    hint -= FOLDS_PENALTY * table.source.table.overlapping
    return 0.5 * math.log10(max(table.source.rows, 1)) + hint
