"""The runtime: a bundle, onnxruntime and numpy. No torch, no transformers, no Polars, no pandas.

recommender = Recommender(Path("artifacts/bundle"), device="cpu", threads=1)
lists = recommender.recommend([["50", "181"], ["172"]], k=10)
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
from slmrec.runtime.comparison import TopK
from slmrec.runtime.golden import ReplayResult, replay_golden_cases
from slmrec.runtime.items import items_from_jsonl
from slmrec.runtime.padding import pad_rows
from slmrec.runtime.requests import check_exclusions, check_k, check_unknown, id_rows
from slmrec.runtime.session import open_session, run_graph

SCORES_AT_ONCE = 2**26  # rows x items scored in one run: 256 MiB of scores; changes no result
UNKNOWN_ADVICE = "correct it, or allow unknown ids to have them read as the unknown item"


class Recommendation(NamedTuple):
    """An item by its external id; scores order the items of one list and mean nothing beyond it."""

    item: str
    title: str | None
    score: float


class UnknownItemsWarning(UserWarning):
    """Ids that the bundle does not know were read as the unknown item."""


class Recommender:
    """A verified bundle, loaded. It holds no state between calls, so threads may share it.

    Raises BundleError when the bundle is incomplete, altered or mixed from two, and
    UnavailableError when `device` cannot run.
    """

    def __init__(
        self, bundle_dir: Path, device: Literal["cpu", "cuda"], threads: int | None
    ) -> None:
        """Load a bundle; `threads` of one call, None for as many as onnxruntime chooses."""
        bundle = read_bundle(bundle_dir)
        self.contract = bundle.contract
        self.items = items_from_jsonl(bundle.files[ITEMS])
        _check_onnxruntime(self.contract["minimum_runtime"]["onnxruntime"])
        self.session = open_session(bundle.files[MODEL], device, threads)
        self._check_files_belong_together(bundle)

    @property
    def largest_k(self) -> int:
        """How many items can be recommended at all."""
        return self.items.candidates

    def recommend(
        self,
        histories: Sequence[Sequence[str]],
        k: int,
        exclude_seen: bool | None = None,
        exclude: Sequence[Sequence[str]] | None = None,
        unknown: Literal["refuse", "warn"] = "refuse",
    ) -> list[list[Recommendation]]:
        """The k best items for each history of external ids, oldest first, best item first.

        exclude_seen leaves out the history's own items; None does as the contract says, which is
        how the model was evaluated. `exclude` names more, one sequence a history. A list is shorter
        than k where fewer candidates remain. An empty history gets what suits an unknown one. An id
        that the bundle does not know is an error, or with unknown="warn" read as the unknown item
        (in `exclude`: left aside) under an UnknownItemsWarning. Raises UsageError for such an id,
        for k below 1 or above `largest_k`, for an `exclude` of another length, and for anything of
        a wrong shape or type.
        """
        k = check_k(k, self.largest_k)
        check_unknown(unknown)
        history_ids = id_rows(histories, "histories")
        exclude_ids = None if exclude is None else id_rows(exclude, "exclude")
        check_exclusions(exclude_ids, len(history_ids))
        seen = self._indices(history_ids, "histories", unknown)
        if exclude_seen is None:
            exclude_seen = self.contract["exclude_seen"]
        excluded = [list(row) if exclude_seen else [] for row in seen]
        for row, more in enumerate(self._indices(exclude_ids or [], "exclude", unknown)):
            excluded[row].extend(more)
        # The graph cuts histories too; cutting them here saves carrying what it drops.
        newest = [row[-self.contract["max_length"] :] for row in seen]
        lists: list[list[Recommendation]] = []
        for batch in _batches(len(seen), self.items.rows):
            top = self.recommend_indices(pad_rows(newest[batch]), pad_rows(excluded[batch]), k)
            lists += self._recommendations(top)
        return lists

    def recommend_indices(self, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        """The graph itself, for throughput: history (B, T >= 1), exclude (B, X) -> top k (B, K).

        Inputs are int64 item indices, padded with 0. K is k or, if that is less, the number of
        candidates. PAD with score -inf fills a row whose candidates ran out.
        """
        return run_graph(self.session, history, exclude, k)

    def _recommendations(self, top: TopK) -> list[list[Recommendation]]:
        ids, titles = self.items.ids, self.items.titles
        return [
            [
                Recommendation(ids[item - FIRST_ITEM], titles[item - FIRST_ITEM], score)
                for item, score in zip(items, scores, strict=True)
                if item != PAD
            ]
            for items, scores in zip(top.items.tolist(), top.scores.tolist(), strict=True)
        ]

    def _indices(self, rows: Sequence[Sequence[str]], name: str, unknown: str) -> list[list[int]]:
        index = self.items.index
        indices = [[index.get(item, UNK) for item in row] for row in rows]
        # Rows without an unknown index, nearly all of them, are not searched a second time.
        suspects = [ids for ids, row in zip(rows, indices, strict=True) if UNK in row]
        unknown_ids = [item for ids in suspects for item in ids if item not in index]
        if unknown_ids:
            message = (
                f"{name}: {len(unknown_ids)} of {sum(map(len, rows))} ids are not in this bundle's "
                f"item table, the first is {unknown_ids[0]!r}"
            )
            if unknown == "refuse":
                raise UsageError(f"{message}; {UNKNOWN_ADVICE}")
            warnings.warn(f"{message}; read as the unknown item", UnknownItemsWarning, stacklevel=3)
        return indices

    def _check_files_belong_together(self, bundle: Bundle) -> None:
        metadata = self.session.get_modelmeta().custom_metadata_map
        for name, key in ((CONTRACT, CONTRACT_HASH), (ITEMS, ITEMS_HASH)):
            actual = sha256_of_bytes(bundle.files[name])
            if metadata.get(key) != actual:
                raise BundleError(
                    f"{bundle.folder / name} belongs to another graph: its sha256 is {actual}, "
                    f"{MODEL} was made with {metadata.get(key)}; use the files of one export"
                )
        if self.items.rows != self.contract["items"]["rows"]:
            raise BundleError(
                f"{ITEMS} has {self.items.rows} rows, "
                f"the contract says {self.contract['items']['rows']}; run dvc repro"
            )


def verify(bundle_dir: Path, device: Literal["cpu", "cuda"], threads: int | None) -> ReplayResult:
    """Check a bundle: manifest, contract, item table, graph; replay its golden cases on `device`.

    Raises BundleError for what does not hold, and UnavailableError when `device` cannot run.
    """
    recommender = Recommender(bundle_dir, device, threads)
    tolerance = recommender.contract["tolerance"][recommender.contract["precision"]]
    golden = read_bundle(bundle_dir).files[GOLDEN]
    return replay_golden_cases(golden, recommender.recommend_indices, tolerance)


def _batches(rows: int, items: int) -> Iterator[slice]:
    size = max(1, SCORES_AT_ONCE // items)
    return (slice(first, first + size) for first in range(0, rows, size))


def _check_onnxruntime(wanted: str) -> None:
    if _version(ort.__version__) < _version(wanted):
        raise UnavailableError(
            f"this bundle needs onnxruntime {wanted} or newer, installed is {ort.__version__}; "
            "upgrade it"
        )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2])
