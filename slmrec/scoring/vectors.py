"""What `slmrec embed` computes of a part: the vector of each history, by the user tower."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from slmrec.runtime import UserTower
from slmrec.runtime.bundle import Bundle, part_of
from slmrec.runtime.further_graphs import USER_TOWER
from slmrec.scoring.part import Answer, Counts, in_groups
from slmrec.scoring.source import ITEMS, USER

VECTOR, UNKNOWN_ITEMS = "vector", "unknown_items"


def written(width: int) -> pa.Schema:
    """The columns of vectors of `width` numbers."""
    return pa.schema(
        [
            pa.field(USER, pa.string()),
            pa.field(VECTOR, pa.list_(pa.float32(), width)),
            pa.field(UNKNOWN_ITEMS, pa.int32()),  # of the history: read as the unknown item
        ]
    )


@dataclass(frozen=True)
class Vectors:
    """A vector for each history."""

    command: ClassVar[str] = "embed"

    def of_bundle(self, bundle: Bundle) -> Vectors:
        """The same. Raises BundleError where the bundle has no user tower."""
        part_of(bundle, USER_TOWER)
        return self

    def settings(self) -> dict[str, Any]:
        """Nothing beside bundle and histories decides the bytes of a vector."""
        return {}

    def ready(self, bundle: Path, device: Literal["cpu", "cuda"], threads: int) -> Answer:
        """The bundle's user tower, loaded, as what answers a part."""
        return functools.partial(self.answer, UserTower.load(bundle, device, threads))

    def answer(self, model: UserTower, histories: pa.Table) -> tuple[pa.Table, Counts]:
        """The vector of each history, as `written` says, in the order of the histories."""
        schema = written(model.width)
        return in_groups(histories, lambda rows: self._answer_group(model, rows), schema)

    def _answer_group(self, model: UserTower, rows: pa.Table) -> tuple[pa.Table, Counts]:
        ids = rows[ITEMS].to_pylist()
        users = model.embed(ids, unknown="ignore")
        vectors = pa.FixedSizeListArray.from_arrays(users.vectors.reshape(-1), model.width)
        columns = [rows[USER].cast(pa.string()), vectors, users.unknown_items]
        return pa.table(columns, names=written(model.width).names), Counts(
            users=len(rows),
            ids=sum(map(len, ids)),
            unknown_ids=users.unknown.histories,
            first_unknown=users.unknown.first,
            empty_histories=sum(not row for row in ids),
        )
