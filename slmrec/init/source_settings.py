"""What was found, in the words of the section `prepare` of params.yaml."""

from __future__ import annotations

from typing import Any

from slmrec.init.answers import NONE
from slmrec.init.columns.catalogues import Table
from slmrec.init.columns.event_tables import EventRoles, repeats_lists
from slmrec.init.findings import Findings

Source = dict[str, Any]


def source_settings(findings: Findings) -> dict[str, Any]:
    """`prepare.events` and `prepare.items`, each whole."""
    return {
        "prepare.events": event_source(findings.events),
        "prepare.items": item_source(findings),
        "prepare.repeats": "first" if repeats_lists(findings.events) else "keep",
        "prepare.keep_types": [],
        "prepare.min_weight": None,
    }


def event_source(events: EventRoles) -> Source:
    """Files, layout and columns of the events."""
    return _layout(events.table) | {
        "columns": _event_columns(events),
        "time_format": events.time_format or "epoch_s",  # where there is no time, none is read
        "lists": "explode" if events.in_lists or events.by_lines else "refuse",
        "list_separator": events.profile(events.item.name).list_separator,
    }


def _event_columns(events: EventRoles) -> Source:
    return {
        "user": events.user.name,
        "item": events.item.name,
        "time": events.time.name if events.time else None,
        "sequence": _sequence(events),
        "weight": events.weight,
        "type": events.type,
    }


def _sequence(events: EventRoles) -> str | list[str] | None:
    if events.sequence is None:
        return None
    if events.finer_sequence is None:
        return events.sequence.name
    return [events.sequence.name, events.finer_sequence]


def item_source(findings: Findings) -> Source | None:
    """Files, layout and columns of the items; None where no file lists them with titles."""
    items = findings.items
    if items is None or items.title is None:
        return None
    columns = {"item": items.key.name, "title": items.title.name, "others": []}
    return _layout(items.table) | {"columns": columns}


def _layout(table: Table) -> Source:
    layout = table.source.table.layout
    return {
        "files": list(table.source.globs),
        "format": layout.format,
        "delimiter": layout.delimiter,
        "header": NONE if layout.header == NONE else "first_line",
        "names": None,
        "encoding": layout.encoding,
    }
