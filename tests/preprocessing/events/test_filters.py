"""Rules that look at more than one row, and the total order."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmrec.preprocessing.events import filters, total_order
from tests.support.logs import Workshop, as_csv

START = 1_700_000_000


def test_k_core_is_repeated_until_nothing_falls_below(workshop: Workshop) -> None:
    # c has 2 events until item 3 falls (1 user), then 1; then item 2 has 1 left; what stays is a
    # and b on items 0 and 1
    pairs = [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("c", 2), ("c", 3), ("a", 2)]
    workshop.set(prepare__min_user_events=2, prepare__min_item_events=2)
    workshop.deliver(
        "all.csv",
        as_csv(
            [(user, f"item {item}", START + place, 1) for place, (user, item) in enumerate(pairs)]
        ),
    )
    counts = workshop.prepare()
    assert counts["events"] == 4 and set(workshop.events()["user"]) == {"a", "b"}
    assert counts["left_out"] == {"item below k-core": 2, "user below k-core": 1}


@pytest.mark.parametrize(
    ("repeats", "left"), [("keep", "xxyxx"), ("collapse", "xyx"), ("first", "xy")]
)
def test_repeats_are_kept_collapsed_or_only_the_first(
    workshop: Workshop, repeats: str, left: str
) -> None:
    workshop.set(prepare__repeats=repeats)
    workshop.deliver(
        "all.csv", as_csv([("ann", item, START + place, 1) for place, item in enumerate("xxyxx")])
    )
    workshop.prepare()
    assert "".join(workshop.events()["item"]) == left


def test_the_longest_history_keeps_the_newest(workshop: Workshop) -> None:
    workshop.set(prepare__max_history=2)
    workshop.deliver(
        "all.csv", as_csv([("ann", item, START + place, 1) for place, item in enumerate("vwxyz")])
    )
    workshop.prepare()
    assert "".join(workshop.events()["item"]) == "yz"


def test_a_bot_is_set_aside_whole_even_on_its_quiet_days(workshop: Workshop) -> None:
    workshop.set(prepare__max_events_per_day=3)
    busy = [("bot", f"item {place}", START + place, 1) for place in range(4)] + [
        ("bot", "item 9", START + 9 * 86_400, 1)
    ]
    workshop.deliver(
        "all.csv",
        as_csv([*busy, *(("ann", f"item {place}", START + place, 1) for place in range(3))]),
    )
    assert workshop.prepare()["left_out"] == {"bot": 5}
    rows = workshop.quarantine()
    assert rows["row"].to_list() == [1, 2, 3, 4, 5] and set(rows["file"]) == {"logs/all.csv"}


def test_the_quick_sort_gives_the_order_of_the_plain_one() -> None:
    rng = np.random.default_rng(0)
    size = 20_000
    events = pl.DataFrame(
        {
            "us": rng.integers(0, 2_000, size) * 1_000_000,
            "sequence": np.zeros(size, dtype=np.int64),
            "weight": rng.integers(0, 3, size).astype(np.float32),
            "user_index": rng.integers(0, 50, size).astype(np.uint32),
            "item_index": rng.integers(0, 4, size).astype(np.uint32),
        }
    )
    ids = pl.Series([str(number) for number in range(50)])
    hashed = total_order.hash_ids(ids, 1)
    hashes = total_order.hash_pairs(
        hashed[events["user_index"].to_numpy()], hashed[events["item_index"].to_numpy()]
    )
    events = events.with_columns(hash=pl.Series(hashes))
    found = total_order.in_total_order(events)
    assert found.events.equals(
        events.sort(total_order.KEY)
        .unique(total_order.KEY, keep="first", maintain_order=True)
        .select(events.columns)
    )
    assert len(found.duplicates) == size - len(found.events) > 0
    times = found.events.select(pl.struct("us", "user_index").is_duplicated().sum()).item()
    assert found.ties == times


@pytest.mark.parametrize("rising", [True, False], ids=["by time", "in no order"])
@pytest.mark.parametrize("sequences", [1, 3])
def test_of_equal_rows_the_first_is_the_event_and_the_later_ones_are_duplicates(
    rising: bool, sequences: int
) -> None:
    rng = np.random.default_rng(1)
    size = 3_000
    us = rng.integers(0, 200, size) * 1_000_000
    columns = {
        name: rng.integers(0, 2, size).astype(np.uint32) for name in ("user_index", "item_index")
    }
    events = pl.DataFrame(
        {
            "us": np.sort(us) if rising else us,
            "sequence": rng.integers(0, sequences, size),
            "hash": columns["user_index"].astype(np.uint64)
            << np.uint64(60),  # items are left for the key's later columns to order
            "weight": np.ones(size, dtype=np.float32),
            **columns,
            "place": np.arange(size),
        }
    )
    found = total_order.in_total_order(events)
    first = events.sort(total_order.KEY, maintain_order=True).unique(
        total_order.KEY, keep="first", maintain_order=True
    )
    assert found.events.equals(first.select(events.columns))
    assert sorted([*found.events["place"], *found.duplicates["place"]]) == list(range(size))


def test_the_hash_of_ids_is_the_one_of_the_first_release() -> None:
    hashes = total_order.hash_ids(pl.Series(["", "a", "item-1", "名前"]), 20241105)
    assert hashes.tolist() == EXPECTED, "a changed hash reorders the ties of everyone's logs"


EXPECTED = [1010949441457140931, 15840471386732214942, 14368365170097011999, 18177999826008692831]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_after_k_core_nobody_is_below(pairs: list[tuple[int, int]], users: int, items: int) -> None:
    removed_by = np.zeros(len(pairs), dtype=np.uint8)
    sides = np.array(pairs, dtype=np.uint32).reshape(-1, 2)
    flat = filters.Flat(sides[:, 0], sides[:, 1], np.zeros(len(pairs), dtype=np.int32))
    filters.k_core(flat, removed_by, users, items)
    kept = sides[removed_by == filters.KEPT]
    for column, least in ((0, users), (1, items)):
        assert all(count >= least for count in np.unique(kept[:, column], return_counts=True)[1])
