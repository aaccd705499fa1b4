"""What `slmrec init` tells a person: files, columns, some events in words, decisions, costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tabulate import tabulate

from slmrec.init.answers import NONE
from slmrec.init.columns.catalogues import Table
from slmrec.init.columns.event_tables import EventRoles
from slmrec.init.columns.profiles import id_text
from slmrec.init.columns.time_formats import read_time
from slmrec.init.columns.user_item import is_list
from slmrec.init.cost.estimate import StageCost, total_minutes
from slmrec.init.facts import TEXT_COMMAND, Facts
from slmrec.init.findings import Findings
from slmrec.init.log_statistics import LogStatistics
from slmrec.init.sizing import RULES

EVENTS_SHOWN = 5
SHOWN_CHARACTERS = 40  # of an id or a title
GAINS = "SASRec with text .0620 beside .0527 on amazon-beauty-2014"


def found_lines(findings: Findings) -> list[str]:
    """Files, their layout, and what each column is."""
    events, items = findings.events, findings.items
    lines = [f"events: {_layout(events.table)}", f"  {_roles(events)}"]
    if items is not None and items.title is not None:
        lines.append(f"items: {_layout(items.table)}")
        lines.append(f"  item {items.key.name}, title {items.title.name}")
    else:
        lines.append("items: none")
    return lines


def _layout(table: Table) -> str:
    layout = table.source.table.layout
    parts = [table.name, layout.format]
    if layout.delimiter is not None:
        parts.append(f"delimiter {layout.delimiter!r}")
    if layout.header == NONE:
        parts.append("no header line, so columns are 1, 2, ...")
    if layout.encoding != "utf-8":
        parts.append(layout.encoding)
    compressions = {file.compression for file in table.source.files} - {""}
    parts += sorted(compressions)
    about = "" if table.source.table.complete else "about "
    return f"{', '.join(parts)}; {about}{table.source.rows:,} rows"


def _roles(events: EventRoles) -> str:
    parts = [f"user {events.user.name}", f"item {events.item.name}"]
    if events.time is not None:
        parts.append(f"time {events.time.name} ({events.time_format})")
    if events.sequence is not None:
        parts.append(f"sequence {events.sequence.name}")
    parts += [f"weight {events.weight}"] if events.weight is not None else []
    parts += [f"type {events.type}"] if events.type is not None else []
    return ", ".join(parts)


def example_events(findings: Findings) -> list[dict[str, str]]:
    """Some sampled events as they were understood: user, item, time in words, weight, title."""
    events, titles = findings.events, _titles(findings)
    rows = []
    for place in range(findings.events.table.source.table.rows):
        row = _example(events, titles, place)
        if all(row[name] for name in ("user", "item", "time")):
            rows.append(row)
        if len(rows) == EVENTS_SHOWN:
            break
    return rows


def _example(events: EventRoles, titles: dict[str, str], place: int) -> dict[str, str]:
    item_column = events.profile(events.item.name)
    item = _item_text(events, place)
    first = item.partition(" ")[0] if is_list(item_column) else item
    row = {"user": _cell(events, events.user.name, place), "item": item}
    row["time"] = _time_text(events, place)
    if events.weight is not None:
        row["weight"] = _cell(events, events.weight, place)
    if titles:
        row["title"] = titles.get(first, "")
    return {name: text[:SHOWN_CHARACTERS] for name, text in row.items()}


def _cell(events: EventRoles, name: str, place: int) -> str:
    return id_text(events.profile(name).column.values[place] or "")


def _item_text(events: EventRoles, place: int) -> str:
    column = events.profile(events.item.name)
    if column.column.items:
        return " ".join(column.column.items[place])
    return _cell(events, events.item.name, place)


def _time_text(events: EventRoles, place: int) -> str:
    if events.time is None:
        if events.sequence is None:
            return "in order of lines" if events.by_lines else "in the list's order"
        return f"number {_cell(events, events.sequence.name, place)}"
    value = events.profile(events.time.name).column.values[place]
    time = read_time(value, str(events.time_format)) if value is not None else None
    return f"{time:%a %d %b %Y %H:%M:%S} UTC" if time is not None else ""


def _titles(findings: Findings) -> dict[str, str]:
    items = findings.items
    if items is None or items.title is None:
        return {}
    pairs = zip(items.key.column.values, items.title.column.values, strict=True)
    return {id_text(key): title for key, title in pairs if key is not None and title is not None}


def table_text(rows: Sequence[dict[str, str]]) -> str:
    """Rows as aligned columns; numbers of ids are not taken for figures."""
    return str(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True))


def logs_line(logs: LogStatistics) -> str:
    """The logs in a line."""
    part = "" if logs.read_share == 1 else f" (from {logs.read_share:.0%} of them)"
    return (
        f"{logs.events:,} events of {logs.users:,} users and {logs.items:,} items{part}; "
        f"histories: half have at most {logs.length(0.5)}, 95% at most {logs.length(0.95)}; "
        f"{logs.repeats:.1%} repeats, {logs.ties:.0%} ties, titles for {logs.titled:.0%}"
    )


def decision_lines(facts: Facts) -> list[str]:
    """One line a rule of sizing."""
    return [rule.line(facts) for rule in RULES]


def text_lines(facts: Facts) -> Iterator[str]:
    """What is left on the table where titles lie there and cannot be read."""
    missing = not (facts.extras.text and facts.extras.llm)
    if facts.text_would_help and missing:
        yield f"titles would help ({GAINS}), but their packages are not installed; to use them:"
        yield f"  {TEXT_COMMAND} && slmrec init"


def cost_text(costs: Sequence[StageCost]) -> str:
    """A table: stage, minutes, GiB."""
    rows = [
        {"stage": cost.stage, "minutes": f"{cost.minutes:.1f}", "GiB": f"{cost.gib:.1f}"}
        for cost in costs
    ]
    most = max(cost.gib for cost in costs)
    total = f"{total_minutes(list(costs)):.0f}"
    rows.append({"stage": "together", "minutes": total, "GiB": f"{most:.1f}"})
    return table_text(rows)
