"""What `slmrec score` computes of a part: the best items of each history, and their scores."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

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
        return functools.partial(self.answer, Recommender.load(bundle, device, threads))

    def answer(self, model: Recommender, histories: pa.Table) -> tuple[pa.Table, Counts]:
        """The k best items of each history, as `WRITTEN` says, in the order of the histories."""
        return in_groups(histories, lambda rows: self._answer_group(model, rows), WRITTEN)

    def _answer_group(self, model: Recommender, rows: pa.Table) -> tuple[pa.Table, Counts]:
        ids = rows[ITEMS].to_pylist()
        answer = model.recommend(ids, self.k, self.exclude_seen, unknown="ignore")
        items = [[item.item for item in best] for best in answer]
        scores = [[item.score for item in best] for best in answer]
        columns = [rows[USER].cast(pa.string()), items, scores]
        return pa.table(columns, schema=WRITTEN), Counts(
            users=len(rows),
            ids=sum(map(len, ids)),
            unknown_ids=answer.unknown.histories,
            first_unknown=answer.unknown.first,
            empty_histories=sum(not row for row in ids),
            short_lists=sum(len(best) < self.k for best in items),
        )
