"""Work on several threads at once, its results in the order of its inputs: nothing a stage writes depends on scheduling."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Input = TypeVar("Input")
Result = TypeVar("Result")
MOST_AT_ONCE = (
    2  # each piece of work is its memory again, and Polars divides its own work among all threads
)


def map_in_order(work: Callable[[Input], Result], inputs: Iterable[Input]) -> Iterator[Result]:
    """Results of `work`. Inputs are taken as they are needed, by the caller's thread: one is ready beside those at work.

    An error comes where its result would have come; what has not begun by then never does.
    """
    at_once = min(
        MOST_AT_ONCE, pl.thread_pool_size()
    )  # one where a person limits Polars to one thread
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for each in inputs:
                begun.append(pool.submit(work, each))
                if len(begun) > at_once:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
