"""A chunk's codes become numbers of the indices and hashes of the ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec.preprocessing.events.chunk import EVENT_COLUMNS, Chunk
from slmrec.preprocessing.events.encoder import Encoder
from slmrec.preprocessing.events.id_index import IdIndex
from slmrec.preprocessing.events.total_order import hash_ids, hash_pairs

SEED = 7


def test_codes_become_numbers_and_the_hash_is_that_of_the_ids(tmp_path: Path) -> None:
    ids = {
        "users_id": [["bob", "ann"]],
        "users_first_us": [[1, 2]],
        "items_id": [["y", "x", "z"]],
        "items_first_us": [[1, 2, 3]],
    }
    pl.DataFrame(ids).write_parquet(tmp_path / "c.ids")
    chunk = Chunk(tmp_path / "c.arrow", 2, np.array([0]), np.array([2]), ("a.csv",), {0: 2})
    events = pl.DataFrame(
        [(0, 1, 10, 0, 1.0, 0, 5), (1, 2, 11, 0, 2.0, 0, 6)], schema=EVENT_COLUMNS, orient="row"
    )
    users, items = (
        IdIndex(pl.DataFrame({"id": list(names), "first_us": [0] * len(names)}), offset)
        for names, offset in ((["ann", "bob"], 0), (["x", "y", "z"], 2))
    )
    table = Encoder(users, items, SEED).encode(chunk, events, 3)
    assert table["user_index"].to_list() == [1, 0], "bob, ann"
    assert table["item_index"].to_list() == [2, 4], "x, z; items start at 2"
    assert table["chunk"].to_list() == [3, 3] and table["row"].to_list() == [5, 6]
    bob, ann = hash_ids(pl.Series(["bob", "ann"]), SEED)
    x, z = hash_ids(pl.Series(["x", "z"]), SEED)
    expected = hash_pairs(np.array([bob, ann]), np.array([x, z]))
    assert table["hash"].to_list() == expected.tolist()
