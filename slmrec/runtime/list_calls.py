"""What every recommender does with a call: check it, read its ids, answer with ids and titles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from slmrec.runtime.answers import Recommendations, UnknownIds
from slmrec.runtime.comparison import TopK
from slmrec.runtime.item_ids import IdReader, LookedUp, unknown_ids
from slmrec.runtime.item_names import ItemNames
from slmrec.runtime.ragged import Ragged
from slmrec.runtime.requests import (
    UNKNOWN,
    check_choice,
    check_exclude_seen,
    check_exclusions,
    check_k,
    id_rows,
    index_rows,
)


class ListCalls(ABC):
    """Calls by ids and by item indices; how the best items are found is a subclass's."""

    contract: Mapping[str, Any]
    reader: IdReader
    names: ItemNames

    @property
    @abstractmethod
    def largest_k(self) -> int:
        """How many items can be recommended at all."""

    def recommend(
        self,
        histories: Iterable[Iterable[str]],
        k: int,
        exclude_seen: bool | None = None,
        exclude: Iterable[Iterable[str]] | None = None,
        unknown: Literal["refuse", "warn", "ignore"] = "refuse",
    ) -> Recommendations:
        """The k best items for each history of external ids, oldest first, best item first.

        exclude_seen leaves out the history's own items; None does as the contract says, which is
        how the model was evaluated. `exclude` names more, one sequence a history. A list is shorter
        than k where fewer candidates remain. A history without a known item gets popular items, or
        those for one unknown item, as the contract says. An id that the bundle does not know is an
        error; with unknown="warn" or "ignore" it is read as the unknown item (in `exclude`: left
        aside) and counted in the result, and "warn" gives an UnknownItemsWarning the first time.
        Raises UsageError for such an id, for k below 1 or above `largest_k`, for an `exclude` of
        another length, and for anything of a wrong shape or type.
        """
        k = self._checked(k, exclude_seen)
        check_choice(unknown, "unknown", UNKNOWN)
        history_ids = id_rows(histories, "histories", ordered=True)
        exclude_ids = None if exclude is None else id_rows(exclude, "exclude", ordered=False)
        check_exclusions(exclude_ids, len(history_ids))
        seen = self.reader.read(history_ids, "histories", unknown)
        more = self.reader.read(exclude_ids, "exclude", unknown) if exclude_ids else None
        return self.answer(self._search(seen, more, k, exclude_seen), seen, more)

    def recommend_places(
        self, histories: Iterable[Iterable[str]], k: int, exclude_seen: bool | None
    ) -> tuple[TopK, UnknownIds]:
        """The same with item indices (B, K), for whoever names items in columns.

        Unknown ids are read as the unknown item and counted. A row whose candidates ran out ends
        with PAD and the score -inf.
        """
        k = self._checked(k, exclude_seen)
        seen = self.reader.read(
            id_rows(histories, "histories", ordered=True), "histories", "ignore"
        )
        return self._search(seen, None, k, exclude_seen), unknown_ids(seen, None)

    def _checked(self, k: int, exclude_seen: bool | None) -> int:
        check_exclude_seen(exclude_seen)
        return check_k(k, self.largest_k)

    def _search(
        self, seen: LookedUp, more: LookedUp | None, k: int, exclude_seen: bool | None
    ) -> TopK:
        if exclude_seen is None:
            exclude_seen = self.contract["exclude_seen"]
        excluded = [seen.indices] if exclude_seen else []
        if more:
            excluded.append(more.indices)
        return self._best(seen.indices, excluded, k)

    def answer(self, top: TopK, seen: LookedUp, more: LookedUp | None = None) -> Recommendations:
        """Lists of indices as lists of items, and which of the ids of the call were unknown."""
        return Recommendations(self.names.lists(top), unknown_ids(seen, more))

    def recommend_indices(self, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        """The same on item indices, for throughput: history (B, T), exclude (B, X) -> top k (B, K).

        Inputs are tables of whole numbers, padded with 0; one row of `exclude` holds for all. K is
        k or, if that is less, `largest_k`. PAD with score -inf fills a row whose candidates ran
        out. Raises UsageError for inputs of another shape or type.
        """
        history = index_rows(history, "history")
        batch = len(history)
        excluded = Ragged.of_padded(index_rows(exclude, "exclude", (1, batch)))
        if len(excluded.lengths) != batch:
            excluded = excluded.repeated(batch)
        k = check_k(k, self.largest_k, cut=True)
        return self._best(Ragged.of_padded(history), [excluded], k)

    @abstractmethod
    def _best(self, history: Ragged, excluded: Sequence[Ragged], k: int) -> TopK:
        """The k best items for each history, without those of its row in each of `excluded`."""
