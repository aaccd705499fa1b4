"""The item table of a bundle: from item index to external id and title, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.bundle import ITEMS

ACTIVE = "active"  # has events in the logs
LISTED = "listed"  # known by its text alone; a candidate all the same
# Neither; both keep their index for ever and are never recommended:
UNTRAINED = "untrained"  # listed in the item files, but the model knows nothing of it
RETIRED = "retired"  # no longer listed
CANDIDATES = (ACTIVE, LISTED)


@dataclass(frozen=True)
class ServedItems:
    """Items in index order: item i is at place i - 2; PAD and UNK have no place."""

    ids: Sequence[str]
    titles: Sequence[str | None]
    statuses: Sequence[str]
    index: dict[str, int]  # from external id to item index

    @property
    def rows(self) -> int:
        """Rows of the model's item table: PAD, UNK and the items."""
        return len(self.ids) + FIRST_ITEM

    @cached_property
    def candidates(self) -> int:
        """How many items can be recommended; counted once, since every call asks."""
        return sum(status in CANDIDATES for status in self.statuses)

    @cached_property
    def jsonl(self) -> bytes:
        """The items as JSON lines, in index order; encoded once, since millions take seconds."""
        # json.dumps with an option of its own would build an encoder for every line.
        encode = json.JSONEncoder(ensure_ascii=False).encode
        rows = zip(self.ids, self.titles, self.statuses, strict=True)
        lines = (
            encode({"index": index, "item": item, "title": title, "status": status})
            for index, (item, title, status) in enumerate(rows, start=FIRST_ITEM)
        )
        return "".join(f"{line}\n" for line in lines).encode()


def index_of(ids: Sequence[str]) -> dict[str, int]:
    """The item index of each id in index order."""
    return dict(zip(ids, range(FIRST_ITEM, len(ids) + FIRST_ITEM), strict=True))


def items_from_jsonl(data: bytes) -> ServedItems:
    """Read JSON lines of `index`, `item`, `title` and `status`.

    Raises BundleError when they are not in index order or repeat an id.
    """
    try:
        rows = _parse_lines(data)
        served, indices = _items_of(rows), [row["index"] for row in rows]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{ITEMS} is not a table of index, item, title and status ({error!r}); run dvc repro"
        ) from error
    _check_items(served, indices)
    return served


def _parse_lines(data: bytes) -> Any:
    """The values of JSON lines, as one list."""
    # One call for the whole table: line by line it takes half as long again, and a table may have
    # millions of lines.
    return json.loads(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")


def _check_items(served: ServedItems, indices: list[int]) -> None:
    count = len(served.ids)
    if odd := [item for item in served.ids if not isinstance(item, str)]:
        raise BundleError(f"{ITEMS} holds {odd[0]!r} as an id, ids are text; run dvc repro")
    if indices != list(range(FIRST_ITEM, count + FIRST_ITEM)):
        raise BundleError(
            f"{ITEMS} does not count up from index {FIRST_ITEM} without gaps; run dvc repro"
        )
    if len(served.index) != count:
        raise BundleError(
            f"{ITEMS} names {count:,} items but only {len(served.index):,} different ids; "
            "run dvc repro"
        )


def _items_of(rows: Sequence[dict[str, Any]]) -> ServedItems:
    ids = [row["item"] for row in rows]
    return ServedItems(
        ids=ids,
        titles=[row["title"] for row in rows],
        statuses=[row["status"] for row in rows],
        index=index_of(ids),
    )
