"""Work on several threads gives its results in the order of its inputs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from slmrec.preprocessing.events import ordered_map
from slmrec.preprocessing.events.ordered_map import map_in_order


def test_results_come_in_order_whatever_takes_longest() -> None:
    rng = random.Random(0)
    waits = [rng.random() / 50 for _ in range(30)]

    def slowly(number: int) -> int:
        time.sleep(waits[number])
        return number * number

    assert list(map_in_order(slowly, range(30))) == [number * number for number in range(30)]


def test_work_is_done_on_several_threads_and_inputs_wait_until_they_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordered_map.pl, "thread_pool_size", lambda: 8)
    barrier = threading.Barrier(ordered_map.MOST_AT_ONCE, timeout=60)
    taken: list[int] = []

    def inputs() -> Iterator[int]:
        for number in range(4 * ordered_map.MOST_AT_ONCE):
            taken.append(number)
            yield number

    results = map_in_order(lambda _: barrier.wait(), inputs())
    next(results)
    assert len(taken) == ordered_map.MOST_AT_ONCE + 1, (
        "those at work and the next one, no more in memory"
    )
    assert len(list(results)) == 4 * ordered_map.MOST_AT_ONCE - 1


def test_where_polars_has_one_thread_so_has_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordered_map.pl, "thread_pool_size", lambda: 1)
    threads = set(map_in_order(lambda _: threading.get_ident(), range(20)))
    assert len(threads) == 1


def test_an_error_comes_where_its_result_would_have_come() -> None:
    done: list[int] = []

    def work(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        done.append(number)
        return number

    results = map_in_order(work, range(100))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(results)
    assert len(done) <= 2 + ordered_map.MOST_AT_ONCE + 1, "nothing new is begun after an error"


def test_closing_waits_for_what_is_at_work_and_begins_nothing_more() -> None:
    threads: list[threading.Thread] = []

    def work(number: int) -> int:
        threads.append(threading.current_thread())
        time.sleep(0.01)
        return number

    results = map_in_order(work, range(100))
    next(results)
    results.close()
    assert len(threads) <= 1 + ordered_map.MOST_AT_ONCE + 1
    assert not any(thread.is_alive() for thread in threads)
