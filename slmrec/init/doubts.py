"""What the files leave open: each doubt in a line, with the flag that settles it; and remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slmrec.core.errors import DataError
from slmrec.init.answers import NONE, Answers, Doubt
from slmrec.init.columns.attributes import negative_weight
from slmrec.init.columns.catalogues import Table
from slmrec.init.columns.event_tables import EventRoles, repeats_lists
from slmrec.init.columns.names import SESSION, USER, weight_of_name
from slmrec.init.columns.relations import contained
from slmrec.init.columns.user_item import is_list
from slmrec.init.findings import Findings
from slmrec.init.samples.sampled_table import FOLDS, overlap

CLOSE = 1.5  # score within which another table could be the events as well
LOST = 0.01  # share of rows that prepare may set aside (max_quarantine_share)
MIN_LISTED = 0.5  # share of the events' items that a list of items should know
TYPES_SHOWN = 6


def doubts_of(findings: Findings, answers: Answers) -> list[Doubt]:
    """Every doubt that no answer has settled."""
    doubts = [
        *_doubts_of_files(findings),
        *_doubts_of_text(findings),
        *_doubts_of_ids(findings),
        *_doubts_of_order(findings.events),
        *_doubts_of_items(findings),
    ]
    return [doubt for doubt in doubts if answers.answer_to(doubt.key) is None]


def check_order(events: EventRoles) -> None:
    """Raises DataError where nothing says when events were, nor in which order, or it is unread."""
    _check_lines(events)
    ordered = events.time or events.sequence or events.ordered_by_lists or events.by_lines
    if not ordered:
        columns = ", ".join(column.name for column in events.table.columns)
        raise DataError(
            f"{events.table.name} has no column that says when an event was or in which order "
            f"({columns}); name one with --time and --time-format, or with --sequence, or give "
            "--sequence lines where the lines themselves are in order"
        )
    if events.time_format == "epoch_ns":
        assert events.time is not None
        raise DataError(
            f"{events.table.name}: {events.time.name} holds nanoseconds, which are not read; "
            "write microseconds"
        )


def _check_lines(events: EventRoles) -> None:
    """Raises DataError where a person said that lines are in order, and they cannot be all."""
    if not events.by_lines:
        return
    if events.time is not None:
        raise DataError(
            f"--sequence lines is of logs without times, but {events.table.name} has them in "
            f"{events.time.name}; leave it out, or give --time none as well"
        )
    if len(events.table.source.files) > 1:
        raise DataError(
            f"--sequence lines is of one file, but {events.table.name} is "
            f"{len(events.table.source.files)}; put them into one, in order"
        )


def _doubts_of_files(findings: Findings) -> Iterator[Doubt]:
    events = findings.events
    if events.table.source.table.overlapping:
        sentence = f"the files {events.table.name} repeat each other's rows, so one is too many"
        yield Doubt("events_file", sentence, events.table.source.files[0].name)
    close = [rival for rival in findings.rivals if rival.score > events.score - CLOSE]
    if not close:
        return
    names = ", ".join(rival.table.name for rival in close[:3])
    sentence = (
        f"{events.table.name} is taken for the events alone; {names} {_kinship(events, close)}"
    )
    choices = tuple(rival.table.name for rival in close[:3])
    yield Doubt("events_file", sentence, events.table.name, choices)


def _kinship(events: EventRoles, rivals: list[EventRoles]) -> str:
    """How other tables that read as events are like the one that is taken."""
    own = events.table.source.table
    same = [r.table.source.table for r in rivals if r.table.source.table.names == own.names]
    if not same:
        return "reads as events too"
    if overlap(own, same[0]) > FOLDS:
        return "has the same columns and repeats its rows"
    return "has the same columns, and a glob reads both"


def _doubts_of_text(findings: Findings) -> Iterator[Doubt]:
    yield from _unclear(findings.events.table, "")
    if findings.items is not None and findings.items.table is not findings.events.table:
        yield from _unclear(findings.items.table, "items_")


def _unclear(table: Table, prefix: str) -> Iterator[Doubt]:
    sample = table.source.table
    if "encoding" in sample.unclear:
        sentence = f"{table.name} is not UTF-8 and reads as {sample.layout.encoding}"
        yield Doubt(f"{prefix}encoding", sentence, sample.layout.encoding)
    if "header" in sample.unclear:
        first = ", ".join(column.name for column in table.columns[:5])
        taken = sample.layout.header
        sentence = (
            f"the first line of {table.name} ({first}) is taken for column names"
            if taken != NONE
            else f"{table.name} seems to have no line of column names"
        )
        yield Doubt(f"{prefix}header", sentence, taken, ("first_line", NONE))


def _doubts_of_ids(findings: Findings) -> Iterator[Doubt]:
    events = findings.events
    for key, choice in (("user", events.user), ("item", events.item)):
        if choice.rivals:
            rivals = ", ".join(choice.rivals)
            sentence = f"the {key} is {choice.name}, but could be {rivals}"
            yield Doubt(key, sentence, choice.name, choice.rivals)
        missing = events.profile(choice.name).missing
        if missing > LOST:
            sentence = f"{missing:.0%} of rows have no {key} ({choice.name}) and will be set aside"
            yield Doubt(key, sentence, choice.name)
    yield from _session_in_place_of_user(findings)


def _session_in_place_of_user(findings: Findings) -> Iterator[Doubt]:
    """An order's number stands for the user though another table knows whose order it is."""
    user = findings.events.user.name
    if not weight_of_name(user, SESSION):
        return
    for table in findings.tables:
        names = [column.name for column in table.columns]
        owner = next((name for name in names if weight_of_name(name, USER) == 1.0), None)
        if table is not findings.events.table and user in names and owner is not None:
            sentence = (
                f"{user} stands for the user, so each is a history of its own; {table.name} has "
                f"{owner} for it: join the two files to have whole histories"
            )
            yield Doubt("user", sentence, user)
            return


def _doubts_of_order(events: EventRoles) -> Iterator[Doubt]:
    if events.time is not None and events.time.rivals:
        rivals = ", ".join(events.time.rivals)
        sentence = f"the time is {events.time.name}, but could be {rivals}"
        yield Doubt("time", sentence, events.time.name, events.time.rivals)
    if events.time is not None and events.time_rivals:
        rivals = ", ".join(events.time_rivals)
        sentence = f"{events.time.name} reads as {events.time_format}, but as {rivals} as well"
        yield Doubt("time_format", sentence, str(events.time_format), events.time_rivals)
    if events.sequence is not None and events.time is None and events.sequence.rivals:
        rivals = ", ".join(events.sequence.rivals)
        sentence = f"events are ordered by {events.sequence.name}, but could be by {rivals}"
        yield Doubt("sequence", sentence, events.sequence.name, events.sequence.rivals)


def _doubts_of_items(findings: Findings) -> Iterator[Doubt]:
    items, events = findings.items, findings.events
    if items is None or items.table is events.table or not items.table.source.table.complete:
        return
    item = events.profile(events.item.name)
    listed = contained(item.ids, items.key.ids)
    if listed < MIN_LISTED:
        ours, theirs = sorted(item.ids)[:2], sorted(items.key.ids)[:2]
        sentence = (
            f"{items.table.name} lists {listed:.0%} of the events' items "
            f"({', '.join(ours)} there, {', '.join(theirs)} here)"
        )
        yield Doubt("items_file", sentence, items.table.name, (NONE,))


def remarks_of(findings: Findings) -> list[str]:
    """What a person should know and need not answer."""
    return [
        *_remarks_of_order(findings.events),
        *_remarks_of_values(findings.events),
        *_remarks_of_items(findings),
        *(f"{name} is left out: {why}" for name, why in findings.unreadable.items()),
    ]


def _remarks_of_order(events: EventRoles) -> Iterator[str]:
    sequence = events.sequence
    if events.counter and sequence is not None:
        yield (
            f"{sequence.name} looks like times but only counts each user's events, so it orders "
            "them and there is no clock"
        )
    elif events.time is None and sequence is not None:
        yield f"there is no clock: events are ordered by {sequence.name}, split leaves one out"
    elif events.time is None:
        order = "lines" if events.by_lines else "lists"
        yield f"there is no clock: events are in the order of their {order}, split leaves one out"
    exploded = events.table.source.table.exploded
    if exploded is not None:
        yield f"{exploded} holds several objects a row: each becomes an event, in the list's order"
    if is_list(events.profile(events.item.name)):
        yield from _remarks_of_lists(events)


def _remarks_of_lists(events: EventRoles) -> Iterator[str]:
    item = events.profile(events.item.name)
    yield f"{item.name} holds several items a row: each becomes an event, in the list's order"
    if repeats_lists(events):
        yield "a user's rows repeat the same list, so only the first event of an item is kept"


def _remarks_of_values(events: EventRoles) -> Iterator[str]:
    table = events.table
    bad = table.source.table.bad_rows / max(table.source.table.rows, 1)
    if bad > 0:
        yield f"{bad:.1%} of the sampled rows of {table.name} are no records and will be set aside"
    negative = negative_weight(table.columns, events.taken)
    if negative is not None:
        yield f"{negative} is negative in some rows, so it is not taken for the weight"
    if events.type is not None:
        yield f"types of {events.type}: {_shares(table.column(events.type).counts)}; all are kept"


def _shares(counts: Counter[str]) -> str:
    total = sum(counts.values())
    return ", ".join(f"{name} {n / total:.0%}" for name, n in counts.most_common(TYPES_SHOWN))


def _remarks_of_items(findings: Findings) -> Iterator[str]:
    items = findings.items
    if items is None:
        yield "no file lists the items' titles"
    elif items.table is findings.events.table:
        yield f"titles stand beside the events, in {items.title.name if items.title else NONE}"
    elif items.title is None:
        yield f"{items.table.name} lists the items, but has no column of titles"
