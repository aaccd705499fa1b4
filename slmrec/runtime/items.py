"""The item table of a bundle as the runtime reads it: from index to external id and title, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import FIRST_ITEM

ACTIVE = "active"  # in the training logs
LISTED = "listed"  # known by its title alone; a candidate all the same
RETIRED = "retired"  # neither: keeps its index for ever, and is never recommended


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

    @property
    def candidates(self) -> int:
        """How many items can be recommended."""
        return sum(status != RETIRED for status in self.statuses)


def write_lines(served: ServedItems) -> bytes:
    """Items as JSON lines, in index order."""
    encode = json.JSONEncoder(
        ensure_ascii=False
    ).encode  # made once: json.dumps would make one a line
    rows = zip(served.ids, served.titles, served.statuses, strict=True)
    lines = (
        encode({"index": index, "item": item, "title": title, "status": status})
        for index, (item, title, status) in enumerate(rows, start=FIRST_ITEM)
    )
    return "".join(f"{line}\n" for line in lines).encode()


def read_lines(data: bytes) -> ServedItems:
    """Read JSON lines (`index`, `item`, `title`, `status`). Raises BundleError when they are not in index order or repeat an id."""
    try:
        # One call for the whole table: line by line it takes half as long again, and a table may
        # have millions of lines.
        rows = json.loads(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")
        ids = [row["item"] for row in rows]
        served = ServedItems(
            ids=ids,
            titles=[row["title"] for row in rows],
            statuses=[row["status"] for row in rows],
            index=dict(zip(ids, range(FIRST_ITEM, len(ids) + FIRST_ITEM), strict=True)),
        )
        indices = [row["index"] for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"items.jsonl is not a table of index, item, title and status ({error!r}); run dvc repro"
        ) from error
    if indices != list(range(FIRST_ITEM, len(rows) + FIRST_ITEM)):
        raise BundleError(
            f"items.jsonl does not count up from index {FIRST_ITEM} without gaps; run dvc repro"
        )
    if len(served.index) != len(ids):
        raise BundleError(
            f"items.jsonl names {len(ids):,} items but only {len(served.index):,} different ids; run dvc repro"
        )
    return served
