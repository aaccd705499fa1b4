"""The same logs give the same bytes, however they are delivered."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slmrec.core import tables
from slmrec.preprocessing.events import chunk_store, ordered_map, partitions
from slmrec.preprocessing.splitting import user_blocks
from slmrec.stages import split
from tests.support.logs import FORMS, Event, Workshop, as_csv, as_parquet

DAY = 86_400
EVENT = st.tuples(
    st.sampled_from(["ann", "bob", "eve", "名前", "7"]),
    st.sampled_from([f"item {number}" for number in range(8)]),
    st.integers(1_700_000_000, 1_700_000_000 + 60 * DAY)
    | st.sampled_from([1_700_000_000 + DAY, 1_700_000_000 + 40 * DAY]),
    st.sampled_from([1.0, 2.5, 0.1]),
)
LOGS = st.lists(EVENT, min_size=12, max_size=40, unique_by=lambda event: event[:3])
QUICK = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],
)
SPLIT = {"split__method": "leave_one_out"}


def digest(workshop: Workshop, files: dict[str, bytes]) -> str:
    """Digest of what prepare and split make of these files, with nothing in the cache."""
    for leftover in ("cache", "events", "histories", "data"):
        shutil.rmtree(leftover, ignore_errors=True)
    for name, content in files.items():
        workshop.deliver(name, content)
    workshop.prepare()
    workshop.split()
    return workshop.promised_bytes()


@QUICK
@given(logs=LOGS, data=st.data())
def test_any_order_of_rows_files_and_any_format_give_the_same_bytes(
    workshop: Workshop, logs: list[Event], data: st.DataObject
) -> None:
    workshop.set(**SPLIT)
    wanted = digest(workshop, {"all.csv": as_csv(logs)})
    shuffled = data.draw(st.permutations(logs))
    cut = data.draw(st.integers(1, len(logs) - 1))
    form, other = (
        data.draw(st.sampled_from(sorted(FORMS))),
        data.draw(st.sampled_from(sorted(FORMS))),
    )
    files = {
        f"b.{form}": FORMS[form](shuffled[:cut]),
        f"date=2026-11-23/a.{other}": FORMS[other](shuffled[cut:]),
    }
    assert digest(workshop, files) == wanted


@QUICK
@given(logs=LOGS, data=st.data())
def test_events_delivered_twice_give_the_same_bytes(
    workshop: Workshop, logs: list[Event], data: st.DataObject
) -> None:
    workshop.set(**SPLIT)
    wanted = digest(workshop, {"all.csv": as_csv(logs)})
    again = data.draw(st.lists(st.sampled_from(logs), max_size=10))
    files = {
        "all.csv": as_csv(logs),
        "copy.csv": as_csv(logs),
        "again.parquet": as_parquet(again),
        "twice.csv": as_csv(logs[:3] * 2),
    }
    assert digest(workshop, files) == wanted


@QUICK
@given(logs=LOGS, known=st.permutations([f"item {number}" for number in range(6)]))
def test_known_items_keep_their_numbers_whatever_comes_later(
    workshop: Workshop, logs: list[Event], known: list[str]
) -> None:
    shutil.rmtree("data", ignore_errors=True)
    index = Path("data/index")
    index.mkdir(parents=True)
    nothing: list[None] = [None] * 6
    columns = {
        "item_index": range(2, 8),
        "item": known,
        "title": nothing,
        "first_time": nothing,
        "events": [0] * 6,
    }
    pl.DataFrame(columns, schema=tables.ITEMS).write_parquet(index / "items.parquet")
    workshop.set(prepare__min_item_events=2)
    workshop.deliver(
        "all.csv",
        as_csv(logs + [("zoe", "item 0", 1_600_000_000 + number, 1.0) for number in range(3)]),
    )
    workshop.prepare()
    items = pl.read_parquet("events/items.parquet")
    assert items["item"].to_list()[:6] == known
    assert sorted(items["item"]) == sorted({*known, *(event[1] for event in logs)}), (
        "new items have numbers too, filtered or not"
    )


def test_one_thread_and_two_give_the_same_bytes(workshop: Workshop) -> None:
    workshop.set(**SPLIT)
    logs = [
        (
            f"user {number % 37}",
            f"item {number * number % 101}",
            1_700_000_000 + number // 3 * 1000,
            1.0,
        )
        for number in range(5_000)
    ]
    workshop.deliver("all.csv", as_csv(logs))
    found = []
    for threads in ("1", "2"):
        shutil.rmtree("cache", ignore_errors=True)
        for module, words in (
            ("prepare", ["data", "events", "data.json"]),
            ("split", ["events", "events", "histories"]),
        ):
            done = workshop.stage(module, *words, POLARS_MAX_THREADS=threads)
            assert done.returncode == 0, done.stderr
        found.append(workshop.promised_bytes())
    assert found[0] == found[1]


def test_many_pieces_at_once_give_the_bytes_of_one_after_the_other(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [
        (
            f"user {number % 37}",
            f"item {number * number % 101}",
            1_700_000_000 + number // 3 * 4000,
            1.0,
        )
        for number in range(5_000)
    ]
    files = {
        f"{number:03d}.csv": as_csv(logs[number::50]) for number in range(50)
    }  # every file spans all three months
    monkeypatch.setattr(
        "slmrec.preprocessing.events.deliveries.GROUP_BYTES", 1
    )  # so that each is a group
    monkeypatch.setattr(user_blocks, "BLOCK_EVENTS", 300)
    monkeypatch.setattr(partitions, "PART_EVENTS", 400)
    monkeypatch.setattr(ordered_map, "MOST_AT_ONCE", 1)
    wanted = digest(workshop, files)
    monkeypatch.setattr(ordered_map, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(ordered_map.pl, "thread_pool_size", lambda: 5)
    for module, name in (
        (chunk_store, "_write"),
        (partitions, "_make"),
        (user_blocks, "_divide"),
        (split, "read_block"),
    ):
        monkeypatch.setattr(module, name, delayed(getattr(module, name)))
    assert digest(workshop, files) == wanted


def delayed(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same, ending in no order that anyone could foresee."""

    def later(*arguments: Any) -> Any:
        time.sleep(random.random() / 100)
        return work(*arguments)

    return later


def test_the_seed_orders_ties_and_the_share_of_ties_is_told(workshop: Workshop) -> None:
    logs = [("ann", f"item {number}", 1_700_000_000, 1.0) for number in range(20)]
    workshop.deliver("all.csv", as_csv([*logs, ("bob", "item 1", 1_700_000_001, 1.0)]))
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
    columns = {
        "user": "user",
        "item": "item",
        "time": "time",
        "sequence": "weight",
        "weight": None,
        "type": None,
    }
    workshop.set(prepare__events__columns=columns)
    logs = [("ann", f"item {number * 7 % 20}", 1_700_000_000, number) for number in range(20)]
    workshop.deliver("all.csv", as_csv(list(reversed(logs))))
    assert workshop.prepare()["ties_share"] == 0
    assert workshop.events()["item"].to_list() == [item for _, item, _, _ in logs]
