"""Work on several threads, with results in the order of the inputs.

Nothing that a stage writes depends on how threads are scheduled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Input = TypeVar("Input")
Result = TypeVar("Result")
# Each task at work needs its memory again, and Polars divides its own work among all threads.
MOST_AT_ONCE = 2


def map_in_order(
    work: Callable[[Input], Result], inputs: Iterable[Input]
) -> Generator[Result, None, None]:
    """Results of `work`. Inputs are taken when they are needed, in the caller's thread.

    One input is ready beside those at work. An error is raised where its result would have come;
    what has not begun by then is cancelled.
    """
    # One at once where a person limits Polars to one thread.
    at_once = min(MOST_AT_ONCE, pl.thread_pool_size())
    futures: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for value in inputs:
                futures.append(pool.submit(work, value))
                if len(futures) > at_once:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            for future in futures:
                future.cancel()
