"""Codes of chunks as numbers of the two indices, and the hashes that order ties."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.preprocessing.events.chunk import Chunk, scan_ids
from slmrec.preprocessing.events.id_index import IdIndex
from slmrec.preprocessing.events.total_order import hash_ids, hash_pairs

CACHED_TABLES = 128  # a file in no order of time visits its chunks once a partition


class Encoder:
    """Turns the codes of chunks into numbers of the two indices, and hashes of their ids."""

    def __init__(self, users: IdIndex, items: IdIndex, seed: int) -> None:
        self._indices = {"users": users, "items": items}
        self._hashes = {
            kind: hash_ids(index.entries["id"], seed) for kind, index in self._indices.items()
        }
        self._numbers_of = lru_cache(maxsize=CACHED_TABLES)(self._read_numbers)

    def _read_numbers(self, path: Path, kind: str) -> np.ndarray:
        ids = scan_ids(path, kind).select("id").collect()["id"]
        return self._indices[kind].numbers(ids)

    def encode(self, chunk: Chunk, events: pl.DataFrame, ordinal: int) -> pl.DataFrame:
        """Events of a chunk with total_order.KEY and their origin; `ordinal` names the chunk."""
        users = self._numbers_of(chunk.path, "users")[events["user"].to_numpy()]
        items = self._numbers_of(chunk.path, "items")[events["item"].to_numpy()]
        hashes = hash_pairs(self._hashes["users"][users], self._hashes["items"][items - FIRST_ITEM])
        return events.select(
            *("us", "sequence", "weight", "file", "row"),
            user_index=pl.Series(users),
            item_index=pl.Series(items),
            hash=pl.Series(hashes),
            chunk=pl.lit(ordinal, pl.UInt32),
        )
