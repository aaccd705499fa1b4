"""What a caller asks for, checked: a wrong shape is one clear line, never a wrong list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from slmrec.core.errors import UsageError

UNKNOWN = ("refuse", "warn", "ignore")  # what may be asked for ids that a bundle does not know
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("fp32", "int8", "fp16")  # of model.onnx and what may lie beside it
WANTED = "one sequence of item ids (str) for each history"
UNKNOWN_ADVICE = "correct it, or allow unknown ids to have them read as the unknown item"
Rows = list[Sequence[Any]]  # of ids, which are checked where they are looked up


def id_rows(rows: Any, name: str, ordered: bool) -> Rows:
    """Rows of item ids; `name` is what the caller called them, `ordered` that their order counts.

    Any iterable of iterables will do, generators and arrays too. Raises UsageError for one flat
    sequence of ids, whose letters would else be read as ids, and for a set where order counts.
    """
    if not _has_places(rows) or isinstance(rows, set | frozenset):
        raise UsageError(f"{name} is {_shown(rows)}; give {WANTED}")
    return [
        row if type(row) in (list, tuple) else _ids(row, f"{name}[{place}]", ordered)
        for place, row in enumerate(rows)
    ]


def _ids(row: Any, name: str, ordered: bool) -> list[Any]:
    if not _has_places(row):
        raise UsageError(f'{name} is {_shown(row)}; give {WANTED}: [["7", "8"]], not ["7", "8"]')
    if ordered and isinstance(row, set | frozenset):
        raise UsageError(f"{name} is {_shown(row)}, which has no order; give a list, oldest first")
    return list(row)


def _has_places(value: Any) -> bool:
    """Whether it holds one thing after the other, and is no text."""
    if isinstance(value, str | bytes | Mapping):
        return False
    # An array of no dimension says that it can be read one by one, and cannot.
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0


def device_for(precision: str, device: Any) -> Any:
    """The device for a graph in that precision: int8 is for CPUs, so "auto" is one there.

    Raises UsageError where int8 is asked for on a GPU, which would leave most of it to the CPU.
    """
    if precision != "int8" or device not in ("auto", "cuda"):
        return device
    if device == "cuda":
        raise UsageError("precision int8 is for CPUs; ask for device cpu, or for fp32 or fp16")
    return "cpu"


def check_ids(rows: Rows, name: str) -> None:
    """Raise UsageError for the first id that is no text: an item "7" is not the number 7."""
    for place, row in enumerate(rows):
        for item in row:
            if not isinstance(item, str):
                raise UsageError(
                    f"{name}[{place}] holds {_shown(item)}; item ids are text, as in items.jsonl"
                )


def index_rows(rows: Any, name: str, batches: Sequence[int] | None = None) -> np.ndarray:
    """Rows of item indices as int64 (B, T); of one of the heights `batches`, where these are given.

    Raises UsageError for anything else than a table of whole numbers.
    """
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        array = np.empty(0, dtype=object)
    if array.ndim != 2 or not (np.issubdtype(array.dtype, np.integer) or array.size == 0):
        raise UsageError(
            f"{name} is {_shown(rows)}; give a table of whole numbers: one row of item indices for "
            "each history, padded on the right with 0"
        )
    if batches is not None and len(array) not in batches:
        raise UsageError(
            f"{name} has {len(array)} rows; expected {' or '.join(map(str, sorted(set(batches))))}"
        )
    return array.astype(np.int64, copy=False)


def check_k(k: Any, largest: int, cut: bool = False) -> int:
    """k as an int. Raises UsageError unless it is a whole number from 1 to `largest`.

    With `cut`, one above `largest` becomes `largest`.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise UsageError(f"k is {_shown(k)}; give a whole number from 1 to {largest}")
    if k < 1 or (k > largest and not cut):
        raise UsageError(
            f"k is {k}, but this bundle has {largest} items to recommend; ask for 1 to {largest}"
        )
    return min(int(k), largest)


def check_choice(value: Any, name: str, choices: Sequence[str]) -> None:
    """Raise UsageError unless `value` is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        quoted = [repr(choice) for choice in choices]
        wanted = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
        raise UsageError(f"{name} is {_shown(value)}; give {wanted}")


def check_exclude_seen(exclude_seen: Any) -> None:
    """Raise UsageError unless it is True, False or None."""
    if exclude_seen is not None and not isinstance(exclude_seen, bool | np.bool_):
        raise UsageError(
            f"exclude_seen is {_shown(exclude_seen)}; give True, False, or None for the contract's"
        )


def check_count(value: Any, name: str) -> None:
    """Raise UsageError unless `value` is None or a whole number of at least 1."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if value is not None and (not whole or value < 1):
        raise UsageError(f"{name} is {_shown(value)}; give a whole number from 1, or None")


def check_exclusions(exclude: Sequence[Sequence[str]] | None, histories: int) -> None:
    """Raise UsageError unless there is one row of exclusions for each history, or none at all."""
    if exclude is not None and len(exclude) != histories:
        raise UsageError(
            f"{len(exclude)} exclusions for {histories} histories; "
            "give one sequence a history, empty for none"
        )


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 40 else text[:40] + '...'} ({type(value).__name__})"
