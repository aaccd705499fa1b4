"""What a caller asks for, checked: a wrong shape is one clear line, never a wrong list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from slmrec.core.errors import UsageError

UNKNOWN = ("refuse", "warn")  # what may be asked for ids that a bundle does not know
WANTED = "one sequence of item ids (str) for each history"


def id_rows(rows: Any, name: str) -> list[list[str]]:
    """Rows of item ids as lists; `name` is what the caller called them.

    Raises UsageError for one flat sequence of ids, whose letters would else be read as ids, and for
    ids that are no text: an item "7" is not the number 7.
    """
    if isinstance(rows, str | bytes) or not isinstance(rows, Iterable):
        raise UsageError(f"{name} is {_shown(rows)}; give {WANTED}")
    return [_ids(row, f"{name}[{place}]") for place, row in enumerate(rows)]


def _ids(row: Any, name: str) -> list[str]:
    if isinstance(row, str | bytes) or not isinstance(row, Iterable):
        raise UsageError(f'{name} is {_shown(row)}; give {WANTED}: [["7", "8"]], not ["7", "8"]')
    ids = list(row)
    for item in ids:
        if not isinstance(item, str):
            raise UsageError(f"{name} holds {_shown(item)}; item ids are text, as in items.jsonl")
    return ids


def check_k(k: Any, largest: int) -> int:
    """k as an int. Raises UsageError unless it is a whole number from 1 to `largest`."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise UsageError(f"k is {_shown(k)}; give a whole number from 1 to {largest}")
    if not 1 <= k <= largest:
        raise UsageError(
            f"k is {k}, but this bundle has {largest} items to recommend; ask for 1 to {largest}"
        )
    return int(k)


def check_unknown(unknown: Any) -> None:
    """Raise UsageError for another wish about unknown ids than to refuse them or to warn."""
    if unknown not in UNKNOWN:
        raise UsageError(f"unknown is {_shown(unknown)}; give 'refuse' or 'warn'")


def check_exclusions(exclude: Sequence[Sequence[str]] | None, histories: int) -> None:
    """Raise UsageError unless there is one row of exclusions for each history, or none at all."""
    if exclude is not None and len(exclude) != histories:
        raise UsageError(
            f"{len(exclude)} exclusions for {histories} histories; "
            "give one sequence a history, empty for none"
        )


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 40 else text[:40] + '...'} ({type(value).__name__})"
