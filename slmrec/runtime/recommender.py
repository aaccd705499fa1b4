"""The runtime: a bundle, onnxruntime and numpy. No torch, no transformers, no Polars, no pandas.

recommender = Recommender(Path("artifacts/bundle"), device="cpu", threads=1)
lists = recommender.recommend([["50", "181"], ["172"]], k=10, exclude_seen=True)
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import onnxruntime as ort

from slmrec.core.errors import BundleError, UnavailableError, UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.runtime.bundle import (
    CONTRACT,
    CONTRACT_HASH,
    GOLDEN,
    ITEMS,
    ITEMS_HASH,
    MODEL,
    Bundle,
    read_bundle,
    sha256_of_bytes,
)
from slmrec.runtime.comparison import Answer
from slmrec.runtime.golden import Replay, replay
from slmrec.runtime.items import read_lines
from slmrec.runtime.session import answer, open_session

SCORES_AT_ONCE = 2**26  # rows x items scored in one run: 256 MiB of scores; changes no result


class Recommendation(NamedTuple):
    """An item by its external id; the score orders the items of one list and means nothing beyond it."""

    item: str
    title: str | None
    score: float


class UnknownItemsWarning(UserWarning):
    """Ids that the bundle does not know were read as the unknown item."""


class Recommender:
    """A verified bundle, loaded. Calls from several threads at once are safe; nothing is kept between calls.

    Raises BundleError when the bundle is incomplete, altered or mixed from two, and
    UnavailableError when `device` cannot run.
    """

    def __init__(self, bundle: Path, device: Literal["cpu", "cuda"], threads: int | None) -> None:
        """Load `bundle`; `threads` of one call, None for as many as onnxruntime chooses."""
        read = read_bundle(bundle)
        self.contract = read.contract
        self.items = read_lines(read.files[ITEMS])
        self._check_minimum_runtime()
        self.session = open_session(read.files[MODEL], device, threads)
        self._check_parts(read)

    @property
    def largest_k(self) -> int:
        """How many items can be recommended at all."""
        return self.items.candidates

    def recommend(
        self,
        histories: Sequence[Sequence[str]],
        k: int,
        exclude_seen: bool,
        exclude: Sequence[Sequence[str]] | None = None,
        unknown: Literal["refuse", "warn"] = "refuse",
    ) -> list[list[Recommendation]]:
        """The k best items for each history of external ids, oldest first, best item first.

        exclude_seen leaves out the history's own items; `exclude` names more, one sequence a
        history. A list is shorter than k where fewer candidates remain. An empty history gets what
        suits an unknown one. An id that the bundle does not know is an error, or with
        unknown="warn" read as the unknown item (in `exclude`: left aside) under an
        UnknownItemsWarning. Raises UsageError for such an id, for k below 1 or above `largest_k`,
        and for an `exclude` of another length.
        """
        self._check_k(k)
        if exclude is not None and len(exclude) != len(histories):
            raise UsageError(
                f"{len(exclude)} exclusions for {len(histories)} histories; give one sequence a history, empty for none"
            )
        read = self._indices(histories, "histories", unknown)
        masked = [list(row) if exclude_seen else [] for row in read]
        for row, more in zip(
            masked, self._indices(exclude or [], "exclude", unknown), strict=False
        ):
            row.extend(more)
        newest = [
            row[-self.contract["max_length"] :] for row in read
        ]  # the graph cuts too; this saves carrying what it drops
        lists: list[list[Recommendation]] = []
        for part in _parts(len(read), self.items.rows):
            lists += self._named(
                self.recommend_indices(_padded(newest[part]), _padded(masked[part]), k)
            )
        return lists

    def recommend_indices(self, history: np.ndarray, exclude: np.ndarray, k: int) -> Answer:
        """The graph itself, for throughput: history (B, T >= 1) and exclude (B, X) int64, padded with 0 -> items, scores (B, K).

        K is k or, if that is less, the number of candidates. PAD with score -inf fills a row whose
        candidates ran out.
        """
        return answer(self.session, history, exclude, k)

    def _named(self, answer: Answer) -> list[list[Recommendation]]:
        ids, titles = self.items.ids, self.items.titles
        return [
            [
                Recommendation(ids[item - FIRST_ITEM], titles[item - FIRST_ITEM], score)
                for item, score in zip(items, scores, strict=True)
                if item != PAD
            ]
            for items, scores in zip(answer.items.tolist(), answer.scores.tolist(), strict=True)
        ]

    def _indices(self, rows: Sequence[Sequence[str]], what: str, unknown: str) -> list[list[int]]:
        index = self.items.index
        read = [[index.get(item, UNK) for item in row] for row in rows]
        strange = [
            item
            for row, found in zip(rows, read, strict=True)
            if UNK in found
            for item in row
            if item not in index
        ]
        if strange:
            said = f"{what}: {len(strange)} of {sum(map(len, rows))} ids are not in this bundle's item table, the first is {strange[0]!r}"
            if unknown == "refuse":
                raise UsageError(
                    f"{said}; correct it, or allow unknown ids to have them read as the unknown item"
                )
            warnings.warn(f"{said}; read as the unknown item", UnknownItemsWarning, stacklevel=3)
        return read

    def _check_k(self, k: int) -> None:
        if not 1 <= k <= self.largest_k:
            raise UsageError(
                f"k is {k}, but this bundle has {self.largest_k} items to recommend; ask for 1 to {self.largest_k}"
            )

    def _check_minimum_runtime(self) -> None:
        wanted = self.contract["minimum_runtime"]["onnxruntime"]
        if _version(ort.__version__) < _version(wanted):
            raise UnavailableError(
                f"this bundle needs onnxruntime {wanted} or newer, installed is {ort.__version__}; upgrade it"
            )

    def _check_parts(self, read: Bundle) -> None:
        """A graph, a contract and an item table that were made together."""
        carried = self.session.get_modelmeta().custom_metadata_map
        for name, key in ((CONTRACT, CONTRACT_HASH), (ITEMS, ITEMS_HASH)):
            seen = sha256_of_bytes(read.files[name])
            if carried.get(key) != seen:
                raise BundleError(
                    f"{read.folder / name} belongs to another graph: its sha256 is {seen}, {MODEL} was made with {carried.get(key)}; "
                    "use the files of one export"
                )
        if self.items.rows != self.contract["items"]["rows"]:
            raise BundleError(
                f"{ITEMS} has {self.items.rows} rows, the contract says {self.contract['items']['rows']}; run dvc repro"
            )


def verify(bundle: Path, device: Literal["cpu", "cuda"], threads: int | None) -> Replay:
    """Check a bundle whole: manifest, contract, item table, graph, and the golden cases replayed on `device`. Raises BundleError."""
    recommender = Recommender(bundle, device, threads)
    precision = recommender.contract["precision"]
    tolerance = recommender.contract["tolerance"][precision]
    return replay(read_bundle(bundle).files[GOLDEN], recommender.recommend_indices, tolerance)


def _parts(rows: int, items: int) -> Iterator[slice]:
    step = max(1, SCORES_AT_ONCE // items)
    return (slice(first, first + step) for first in range(0, rows, step))


def _padded(rows: Sequence[Sequence[int]]) -> np.ndarray:
    """Rows as one right-padded array, at least one place wide.  # (B, T) int64"""
    padded = np.full((len(rows), max([1, *map(len, rows)])), PAD, dtype=np.int64)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])
