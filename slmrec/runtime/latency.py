"""How long calls take, by batch size and length of the histories; several servers take turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.runtime.padding import pad_rows

SEED = 1
MIXED = "mixed"  # lengths drawn evenly from 1 to the longest
FEWEST_CALLS = 20  # of a server and workload: one call in twenty is slower than the 95th percentile


@dataclass(frozen=True)
class Workload:
    """Calls to be timed: a batch of histories of one length, or of mixed ones."""

    batch: int
    events: str  # a number, or MIXED
    indices: np.ndarray  # (B, T) int64, padded with 0


@dataclass(frozen=True)
class Timing:
    """What one server needed for the calls of one workload."""

    server: str
    batch: int
    events: str
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    users_per_second: float

    def as_json(self) -> dict[str, str | int | float]:
        """The same by name."""
        return asdict(self)


# Makes a workload's call: what is prepared before it is not timed.
Serve = Callable[[Workload], Callable[[], object]]


def workloads(items: int, longest: int, batches: Sequence[int]) -> Iterator[Workload]:
    """Histories drawn from `items` items: of 1 event, of half the longest, the longest, and mixed.

    The same arguments give the same histories.
    """
    rng = np.random.default_rng(SEED)
    lengths = sorted({1, max(1, longest // 2), longest})
    for batch in batches:
        for events in [*map(str, lengths), MIXED]:
            sizes = rng.integers(1, longest, batch, endpoint=True) if events == MIXED else None
            rows = [int(events)] * batch if sizes is None else sizes.tolist()
            drawn = [rng.integers(FIRST_ITEM, items + FIRST_ITEM, length) for length in rows]
            yield Workload(batch, events, pad_rows(drawn))


def time_calls(servers: Mapping[str, Serve], workload: Workload, seconds: float) -> list[Timing]:
    """Time calls of each server for about `seconds`, and for at least twenty calls.

    Servers take turns, call by call, so that a machine that slows down is fair to all; one call
    before them warms up and is not counted.
    """
    calls = {name: serve(workload) for name, serve in servers.items()}
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    until = time.perf_counter() + seconds * len(servers)
    rounds = 0
    while rounds < FEWEST_CALLS or time.perf_counter() < until:
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken[name].append(time.perf_counter() - started)
        rounds += 1
    return [_timing(name, workload, times) for name, times in taken.items()]


def _timing(server: str, workload: Workload, seconds: Sequence[float]) -> Timing:
    p50, p95, p99 = (1000 * np.percentile(seconds, (50, 95, 99))).tolist()
    return Timing(
        server=server,
        batch=workload.batch,
        events=workload.events,
        calls=len(seconds),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        users_per_second=workload.batch * len(seconds) / sum(seconds),
    )
