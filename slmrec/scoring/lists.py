"""What `slmrec score` computes of a part: the best items of each history, and their scores."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa

from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import ITEMS as ITEM_TABLE
from slmrec.runtime.bundle import Bundle
from slmrec.runtime.items import items_from_jsonl
from slmrec.runtime.requests import check_k
from slmrec.scoring.part import Answer, Counts, in_groups
from slmrec.scoring.source import ITEMS, USER

SCORES = "scores"
WRITTEN = pa.schema(
    [
        pa.field(USER, pa.string()),
        pa.field(ITEMS, pa.list_(pa.string())),
        pa.field(SCORES, pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class Lists:
    """Lists of k items."""

    command: ClassVar[str] = "score"
    k: int
    exclude_seen: bool | None  # None for what the contract says

    def of_bundle(self, bundle: Bundle) -> Lists:
        """The same with nothing left open. Raises UsageError where the bundle has fewer items."""
        check_k(self.k, items_from_jsonl(bundle.files[ITEM_TABLE]).candidates)
        if self.exclude_seen is None:
            return replace(self, exclude_seen=bundle.contract["exclude_seen"])
        return self

    def settings(self) -> dict[str, Any]:
        """All that decides the bytes of a list, beside bundle and histories."""
        return {"k": self.k, "exclude_seen": self.exclude_seen}

    def ready(self, bundle: Path, device: Literal["cpu", "cuda"], threads: int) -> Answer:
        """The bundle, loaded, as what answers a part."""
        return self.answered_by(Recommender.load(bundle, device, threads))

    def answered_by(self, model: Recommender) -> Answer:
        """The k best items of each history, as `WRITTEN` says, in the order of the histories."""
        # By item index. Lists come as columns from here: a tuple for each item of a list would take
        # as long as a tenth of the graph.
        names = pa.array([*[None] * FIRST_ITEM, *model.items.ids], pa.string())
        answer = functools.partial(self._answer_group, model, names)
        return lambda histories: in_groups(histories, answer, WRITTEN)

    def _answer_group(
        self, model: Recommender, names: pa.Array, rows: pa.Table
    ) -> tuple[pa.Table, Counts]:
        ids = rows[ITEMS].to_pylist()
        top, unknown = model.recommend_places(ids, self.k, self.exclude_seen)
        kept = top.items != PAD
        lengths = kept.sum(axis=1)
        ends = pa.array(np.append(0, lengths.cumsum()), pa.int32())
        items = pa.ListArray.from_arrays(ends, names.take(pa.array(top.items[kept])))
        scores = pa.ListArray.from_arrays(ends, pa.array(top.scores[kept]))
        columns = [rows[USER].cast(pa.string()), items, scores]
        return pa.table(columns, schema=WRITTEN), Counts(
            users=len(rows),
            ids=sum(map(len, ids)),
            unknown_ids=unknown.histories,
            first_unknown=unknown.first,
            empty_histories=sum(not row for row in ids),
            short_lists=int((lengths < self.k).sum()),
        )
