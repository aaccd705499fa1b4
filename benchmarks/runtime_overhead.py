"""Where a call to a bundle goes: into onnxruntime or around it, and what a large call takes.

Run as: python -m benchmarks.runtime_overhead BUNDLE HISTORIES [--threads 1] [--users 20000]
BUNDLE and HISTORIES are what the pipeline wrote (artifacts/bundle, artifacts/histories). Histories
are drawn with repetition and cut at a random event. All times but that of the large call are
processor seconds of this process, since the clock of a shared machine counts its neighbours too.
Results: benchmarks/results/runtime-overhead.json.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.stopwatch import Stopwatch
from slmrec.core.files import write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, read_histories
from slmrec.runtime import Recommender
from slmrec.runtime.memory import peak_mib
from slmrec.studies.environment import machine

SEED, K = 1, 10
ASKED_AT_ONCE = (1, 32, 64, 256)  # users a call
BATCH_SIZES = (8, 16, 32, 64, 128, 256)  # users that the graph is given at once
USERS = 2048  # of every measurement but the large call
Ids = list[list[str]]


class TimedSession:
    """An onnxruntime session that adds up the processor seconds of its runs."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.seconds = 0.0

    def run(self, *arguments: Any) -> Any:
        """As the session's own."""
        started = time.process_time()
        try:
            return self.session.run(*arguments)
        finally:
            self.seconds += time.process_time() - started


def draw_histories(histories: Histories, ids: Sequence[str], users: int) -> Ids:
    """Histories of `users` users, drawn with repetition, each up to an event of its own."""
    rng = np.random.default_rng(SEED)
    rows = rng.integers(0, len(histories.users), users)
    lengths = np.diff(histories.offsets)[rows]
    stops = rng.integers(1, lengths, endpoint=True)
    return [
        [ids[item - FIRST_ITEM] for item in histories.history(row, 0, stop).tolist()]
        for row, stop in zip(rows.tolist(), stops.tolist(), strict=True)
    ]


def measure_calls(recommender: Recommender, histories: Ids, users: int) -> dict[str, float]:
    """Calls of `users` users: milliseconds (median), the share around onnxruntime, users a second.

    One call warms up and is not counted.
    """
    session = recommender.session
    timed = recommender.session = TimedSession(session)
    calls, around = [], []
    for first in range(0, len(histories) - users + 1, users):
        inside, started = timed.seconds, time.process_time()
        recommender.recommend(histories[first : first + users], K)
        calls.append(time.process_time() - started)
        around.append(calls[-1] - (timed.seconds - inside))
    recommender.session = session
    call = statistics.median(calls[1:])
    return {
        "milliseconds": 1000 * call,
        "share_around_onnxruntime": statistics.median(around[1:]) / call,
        "users_per_second": users * len(calls[1:]) / sum(calls[1:]),
    }


def measure_large_call(recommender: Recommender, histories: Ids) -> dict[str, float | None]:
    """One call of all histories: seconds, and by how many MiB it raised the peak of the process."""
    before, stopwatch = peak_mib(), Stopwatch()
    recommender.recommend(histories, K)
    figures: dict[str, float | None] = {**stopwatch.read()}
    after = peak_mib()
    return figures | {"more_mib": None if after is None or before is None else after - before}


def measure_batch_size(bundle: Path, threads: int, size: int, histories: Ids) -> float:
    """Users a processor second of one call, `size` of them given to the graph at once."""
    recommender = Recommender.load(bundle, "cpu", threads, size)
    recommender.recommend(histories, K)
    started = time.process_time()
    recommender.recommend(histories, K)
    return len(histories) / (time.process_time() - started)


def main() -> None:
    """Measure, write the results and print them."""
    parser = new_parser(__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("histories", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--users", type=int, default=20_000)
    p = parser.parse_args()
    recommender = Recommender.load(p.bundle, "cpu", p.threads)
    drawn = draw_histories(read_histories(p.histories), recommender.items.ids, p.users)
    large, some = measure_large_call(recommender, drawn), drawn[:USERS]
    result = {
        "large_call": {"users": p.users} | large,
        "calls": {users: measure_calls(recommender, some, users) for users in ASKED_AT_ONCE},
        "users_per_second_by_batch_size": {
            size: measure_batch_size(p.bundle, p.threads, size, some) for size in BATCH_SIZES
        },
        "items": recommender.largest_k,
        "measured_with": machine(p.threads, "onnxruntime-gpu", "numpy"),
    }
    write_json(RESULTS / "runtime-overhead.json", result)
    print((RESULTS / "runtime-overhead.json").read_text(), end="")


if __name__ == "__main__":
    main()
