"""The total order of events: the quick sorts give the plain one's order, and ties are counted."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from slmrec.preprocessing.events.total_order import KEY, hash_ids, hash_pairs, in_total_order
from tests.support.logs import START, Workshop, as_csv, event_columns

FIRST_RELEASE = [
    1010949441457140931,
    15840471386732214942,
    14368365170097011999,
    18177999826008692831,
]


def test_the_hash_of_ids_is_the_one_of_the_first_release() -> None:
    hashes = hash_ids(pl.Series(["", "a", "item-1", "名前"]), 20241105)
    assert hashes.tolist() == FIRST_RELEASE, "a changed hash reorders the ties of everyone's logs"


def test_the_hash_of_a_pair_depends_on_the_seed_and_on_which_is_the_user() -> None:
    ids = pl.Series(["ann", "x"])
    (ann, x), (other_ann, other_x) = hash_ids(ids, 1), hash_ids(ids, 2)
    pairs = hash_pairs(np.array([ann, x, other_ann]), np.array([x, ann, other_x]))
    assert len(set(pairs.tolist())) == 3


def random_events(size: int, span: int, rng: np.random.Generator) -> pl.DataFrame:
    """Events of 50 users and 4 items, many of them equal in the whole key."""
    users = rng.integers(0, 50, size).astype(np.uint32)
    items = rng.integers(0, 4, size).astype(np.uint32)
    hashes = hash_ids(pl.Series([str(number) for number in range(50)]), 1)
    columns = {
        "us": rng.integers(0, 2_000, size) * span,
        "sequence": np.zeros(size, dtype=np.int64),
        "weight": rng.integers(0, 3, size).astype(np.float32),
        "user_index": users,
        "item_index": items,
        "hash": hash_pairs(hashes[users], hashes[items]),
    }
    return pl.DataFrame(columns)


@pytest.mark.parametrize("span", [1_000_000, 1 << 40], ids=["in 42 bits", "in more"])
def test_the_quick_sort_gives_the_order_of_the_plain_one(span: int) -> None:
    size = 20_000
    events = random_events(size, span, np.random.default_rng(0))
    ordered = in_total_order(events)
    plain = events.sort(KEY).unique(KEY, keep="first", maintain_order=True)
    assert ordered.events.equals(plain.select(events.columns))
    assert len(ordered.duplicates) == size - len(ordered.events) > 0
    tied = ordered.events.select(pl.struct("us", "user_index").is_duplicated().sum()).item()
    assert ordered.ties == tied


@pytest.mark.parametrize("rising", [True, False], ids=["by time", "in no order"])
@pytest.mark.parametrize("sequences", [1, 3])
def test_of_equal_rows_the_first_is_the_event_and_the_later_ones_are_duplicates(
    rising: bool, sequences: int
) -> None:
    rng = np.random.default_rng(1)
    size = 3_000
    us = rng.integers(0, 200, size) * 1_000_000
    users, items = (rng.integers(0, 2, size).astype(np.uint32) for _ in range(2))
    events = pl.DataFrame(
        {
            "us": np.sort(us) if rising else us,
            "sequence": rng.integers(0, sequences, size),
            # of users alone, so that items are left for the key's later columns to order
            "hash": users.astype(np.uint64) << np.uint64(60),
            "weight": np.ones(size, dtype=np.float32),
            "user_index": users,
            "item_index": items,
            "place": np.arange(size),
        }
    )
    ordered = in_total_order(events)
    by_key = events.sort(KEY, maintain_order=True)
    first = by_key.unique(KEY, keep="first", maintain_order=True)
    assert ordered.events.equals(first.select(events.columns))
    places = [*ordered.events["place"], *ordered.duplicates["place"]]
    assert sorted(places) == list(range(size))


def test_the_sequence_orders_before_the_hash() -> None:
    columns = {
        "us": [5, 5, 4],
        "sequence": [2, 1, 9],
        "hash": np.array([1, 2, 3], dtype=np.uint64),
        "user_index": np.array([0, 0, 0], dtype=np.uint32),
        "item_index": np.array([1, 2, 3], dtype=np.uint32),
        "weight": np.ones(3, dtype=np.float32),
    }
    ordered = in_total_order(pl.DataFrame(columns))
    assert ordered.events["item_index"].to_list() == [3, 2, 1]
    assert ordered.ties == 0, "time and sequence order them"


def test_ties_are_those_of_one_user() -> None:
    columns = {
        "us": [5, 5, 5, 6],
        "sequence": [0, 0, 0, 0],
        "hash": np.array([1, 2, 3, 4], dtype=np.uint64),
        "user_index": np.array([0, 1, 0, 1], dtype=np.uint32),
        "item_index": np.array([1, 2, 3, 4], dtype=np.uint32),
        "weight": np.ones(4, dtype=np.float32),
    }
    assert in_total_order(pl.DataFrame(columns)).ties == 2, "both of user 0"


def test_some_columns_keep_the_order_of_all() -> None:
    events = random_events(500, 1_000, np.random.default_rng(2))
    ordered = in_total_order(events)
    assert ordered.select("us").events.equals(ordered.events.select("us"))


def test_the_seed_orders_ties_and_the_share_of_ties_is_told(workshop: Workshop) -> None:
    logs = [("ann", f"item {number}", START, 1.0) for number in range(20)]
    workshop.deliver("all.csv", as_csv([*logs, ("bob", "item 1", START + 1, 1.0)]))
    orders = []
    for seed in (1, 1, 2):
        workshop.set(prepare__seed=seed)
        assert workshop.prepare()["ties_share"] == round(20 / 21, 6)
        orders.append(workshop.events()["item"].to_list())
    assert orders[0] == orders[1] != orders[2]
    assert orders[0][:20] != [f"item {number}" for number in range(20)], (
        "an order by id would plant a signal"
    )


def test_the_sequence_column_orders_events_of_one_time(workshop: Workshop) -> None:
    columns = event_columns(sequence="weight", weight=None)
    workshop.set(prepare__events__columns=columns)
    items = [f"item {number * 7 % 20}" for number in range(20)]
    lines = [f"ann,{item},{START},{place}" for place, item in enumerate(items)]
    content = "\n".join(["user,item,time,weight", *reversed(lines)])
    workshop.deliver("all.csv", content.encode())
    assert workshop.prepare()["ties_share"] == 0
    assert workshop.events()["item"].to_list() == items
