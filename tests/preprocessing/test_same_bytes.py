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
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.preprocessing.events import (
    chunk_store,
    day_ranges,
    deliveries,
    ordered_map,
    partitions,
)
from slmrec.preprocessing.splitting import user_blocks
from slmrec.stages import split
from tests.support.logs import DAY, FORMS, START, Event, Workshop, as_csv, as_parquet

EVENT = st.tuples(
    st.sampled_from(["ann", "bob", "eve", "名前", "7"]),
    st.sampled_from([f"item {number}" for number in range(8)]),
    st.integers(START, START + 60 * DAY) | st.sampled_from([START + DAY, START + 40 * DAY]),
    st.sampled_from([1.0, 2.5, 0.1]),
)
LOGS = st.lists(EVENT, min_size=12, max_size=40, unique_by=lambda event: event[:3])
QUICK = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate],
)
SPLIT = {"split__method": "leave_one_out"}


def digest(workshop: Workshop, files: dict[str, bytes]) -> str:
    """Digest of what prepare and split make of these files, with nothing in the cache.

    Logs of which split makes no window are no case: it refuses them, whatever their order.
    """
    for leftover in ("cache", "events", "histories", "data"):
        shutil.rmtree(leftover, ignore_errors=True)
    for name, content in files.items():
        workshop.deliver(name, content)
    workshop.prepare()
    try:
        workshop.split()
    except DataError as error:
        assume("give no windows" not in str(error))
        raise
    return workshop.promised_bytes()


@QUICK
@given(logs=LOGS, data=st.data())
def test_any_order_of_rows_files_and_any_format_give_the_same_bytes(
    workshop: Workshop, logs: list[Event], data: st.DataObject
) -> None:
    workshop.set(**SPLIT)
    expected = digest(workshop, {"all.csv": as_csv(logs)})
    shuffled = data.draw(st.permutations(logs))
    cut = data.draw(st.integers(1, len(logs) - 1))
    form, other = (data.draw(st.sampled_from(sorted(FORMS))) for _ in range(2))
    files = {
        f"b.{form}": FORMS[form](shuffled[:cut]),
        f"date=2026-11-23/a.{other}": FORMS[other](shuffled[cut:]),
    }
    assert digest(workshop, files) == expected


@QUICK
@given(logs=LOGS, data=st.data())
def test_events_delivered_twice_give_the_same_bytes(
    workshop: Workshop, logs: list[Event], data: st.DataObject
) -> None:
    workshop.set(**SPLIT)
    expected = digest(workshop, {"all.csv": as_csv(logs)})
    again = data.draw(st.lists(st.sampled_from(logs), max_size=10))
    files = {
        "all.csv": as_csv(logs),
        "copy.csv": as_csv(logs),
        "again.parquet": as_parquet(again),
        "twice.csv": as_csv(logs[:3] * 2),
    }
    assert digest(workshop, files) == expected


@QUICK
@given(logs=LOGS, known=st.permutations([f"item {number}" for number in range(6)]))
def test_known_items_keep_their_numbers_whatever_comes_later(
    workshop: Workshop, logs: list[Event], known: list[str]
) -> None:
    shutil.rmtree("data", ignore_errors=True)
    index = Path("data/index")
    index.mkdir(parents=True)
    columns = {"item_index": range(2, 8), "item": known, "events": [0] * 6}
    unknown = dict.fromkeys(("title", "first_time"), [None] * 6)
    table = pl.DataFrame({**columns, **unknown}).select(tables.ITEMS.names())
    table.cast(tables.ITEMS).write_parquet(index / "items.parquet")
    workshop.set(prepare__min_item_events=2)
    early = [("zoe", "item 0", 1_600_000_000 + number, 1.0) for number in range(3)]
    workshop.deliver("all.csv", as_csv([*logs, *early]))
    workshop.prepare()
    items = pl.read_parquet("events/items.parquet")
    assert items["item"].to_list()[:6] == known
    assert sorted(items["item"]) == sorted({*known, *(event[1] for event in logs)}), (
        "new items have numbers too, filtered or not"
    )


def many_events(step: int) -> list[Event]:
    """Five thousand events, three at each time, `step` seconds apart."""
    return [
        (f"user {number % 37}", f"item {number**2 % 101}", START + number // 3 * step, 1.0)
        for number in range(5_000)
    ]


def test_one_thread_and_two_give_the_same_bytes(workshop: Workshop) -> None:
    workshop.set(**SPLIT)
    workshop.deliver("all.csv", as_csv(many_events(step=1000)))
    digests = []
    for threads in ("1", "2"):
        shutil.rmtree("cache", ignore_errors=True)
        for module, arguments in (
            ("prepare", ["data", "events", "champion", "data.json"]),
            ("split", ["events", "events", "histories"]),
        ):
            ended = workshop.stage(module, *arguments, POLARS_MAX_THREADS=threads)
            assert ended.returncode == 0, ended.stderr
        digests.append(workshop.promised_bytes())
    assert digests[0] == digests[1]


def test_many_pieces_at_once_give_the_bytes_of_one_after_the_other(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every file spans all three months, and is a group of its own
    logs = many_events(step=4000)
    files = {f"{number:03d}.csv": as_csv(logs[number::50]) for number in range(50)}
    monkeypatch.setattr(deliveries, "GROUP_BYTES", 1)
    monkeypatch.setattr(user_blocks, "BLOCK_EVENTS", 300)
    monkeypatch.setattr(day_ranges, "PARTITION_EVENTS", 400)
    monkeypatch.setattr(ordered_map, "MOST_AT_ONCE", 1)
    expected = digest(workshop, files)
    monkeypatch.setattr(ordered_map, "MOST_AT_ONCE", 5)
    monkeypatch.setattr(ordered_map.pl, "thread_pool_size", lambda: 5)
    for module, name in (
        (chunk_store, "_write"),
        (partitions, "_make"),
        (user_blocks, "_divide"),
        (split, "read_block"),
    ):
        monkeypatch.setattr(module, name, delayed(getattr(module, name)))
    assert digest(workshop, files) == expected


def delayed(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same, ending in no order that anyone could foresee."""

    def later(*arguments: Any) -> Any:
        time.sleep(random.random() / 100)
        return work(*arguments)

    return later
