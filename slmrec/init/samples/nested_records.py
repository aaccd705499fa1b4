"""Records of JSON and Python as flat rows: objects inside them by the paths that prepare reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slmrec.init.columns.names import ITEM, weight_of_name

MOST_KEYS = 6  # of an object that is looked into; objects of more are bags of properties
RECORDS_TRIED = 200
Record = dict[str, Any]


def flat_records(records: Sequence[Record]) -> tuple[list[Record], str | None]:
    """Rows without objects, and the key of a list of objects of which each became a row.

    A key of an object is called by its path, as in "events.aid".
    """
    key = _key_of_events(records)
    if key is not None:
        records = [_with_one(record, key, part) for record in records for part in record[key] or []]
    return [_flat(record, _small_objects(records)) for record in records], key


def _key_of_events(records: Sequence[Record]) -> str | None:
    """The key under which each record has a list of objects that name an item, if any."""
    keys = dict.fromkeys(key for record in records[:RECORDS_TRIED] for key in record)
    return next((key for key in keys if _holds_events(records[:RECORDS_TRIED], key)), None)


def _holds_events(records: Sequence[Record], key: str) -> bool:
    values = [record.get(key) for record in records]
    lists = [value for value in values if isinstance(value, list | tuple)]
    parts = [part for value in lists for part in value]
    inner = {str(name) for part in parts if isinstance(part, dict) for name in part}
    every = len(lists) == len(values) and all(isinstance(part, dict) for part in parts)
    # A product's offers name things too; events are objects of which most records have several.
    several = len(parts) > 1.5 * len(records)
    return every and several and any(weight_of_name(name, ITEM) == 1.0 for name in inner)


def _with_one(record: Record, key: str, part: Record) -> Record:
    """The record with one object of its list in place of the list, under paths."""
    rest = {name: value for name, value in record.items() if name != key}
    return rest | {f"{key}.{name}": value for name, value in part.items()}


def _small_objects(records: Sequence[Record]) -> set[str]:
    """Keys whose values are objects with few different keys."""
    keys: dict[str, set[str]] = {}
    for record in records[:RECORDS_TRIED]:
        for name, value in record.items():
            if isinstance(value, dict):
                keys.setdefault(name, set()).update(map(str, value))
    return {name for name, inner in keys.items() if len(inner) <= MOST_KEYS}


def _flat(record: Record, objects: set[str]) -> Record:
    flat: Record = {}
    for name, value in record.items():
        if name in objects and isinstance(value, dict):
            flat |= {f"{name}.{key}": inner for key, inner in value.items()}
        else:
            flat[name] = value
    return flat
