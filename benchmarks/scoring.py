"""What `slmrec score` adds to the graph's own time, and what memory it takes.

Run as: python -m benchmarks.scoring BUNDLE HISTORIES [--users 8192] [--times 10]
BUNDLE and HISTORIES are what the pipeline wrote (artifacts/bundle, artifacts/histories). Histories
are drawn with repetition and cut at a random event. The session alone is given the same batches,
made beforehand. Speeds are users a processor second, since the clock of a shared machine counts its
neighbours too, in turns of both; memory is that of a process of its own, which scores `users` and
`times` as many. Results: benchmarks/results/scoring.json.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.runtime_overhead import draw_histories
from slmrec.core.files import write_json
from slmrec.dataset.histories import read_histories
from slmrec.runtime import Recommender
from slmrec.runtime.item_ids import look_up
from slmrec.runtime.ragged import batches_by_length
from slmrec.runtime.session import run_graph
from slmrec.scoring.lists import Lists
from slmrec.scoring.part import USERS_AT_ONCE
from slmrec.scoring.run import Asked, run
from slmrec.scoring.source import SCHEMA
from slmrec.studies.environment import machine

K = 10
PART_USERS = 8 * USERS_AT_ONCE
TURNS = 3
Batch = tuple[np.ndarray, np.ndarray]  # what the graph is given: history (B, T), exclude (B, X)
# A process of its own, whose peak is that of one run.
PROGRAM = """
import sys
from pathlib import Path
from benchmarks.scoring import asked
from slmrec.runtime.memory import peak_mib
from slmrec.scoring.run import run
bundle, histories, out = map(Path, sys.argv[1:])
run(asked(bundle, histories, out), 1)
print(peak_mib())
"""


def asked(bundle: Path, histories: Path, out: Path) -> Asked:
    """The run that is measured."""
    return Asked(bundle, histories, out, Lists(K, True), PART_USERS, "cpu")


def write_table(file: Path, lists: Sequence[Sequence[str]], times: int) -> Path:
    """The histories in Parquet, `times` one after the other."""
    with pq.ParquetWriter(file, SCHEMA) as writer:
        for turn in range(times):
            users = [f"{turn}-{user}" for user in range(len(lists))]
            writer.write_table(pa.table([users, lists], schema=SCHEMA))
    return file


def session_batches(recommender: Recommender, lists: list[list[str]]) -> list[Batch]:
    """What the graph is given of these histories: the same batches, in the same order."""
    batches = []
    for first in range(0, len(lists), USERS_AT_ONCE):
        ids = look_up([*lists[first : first + USERS_AT_ONCE]], recommender.items.index, "h").indices
        newest = ids.newest(recommender.contract["max_length"])
        for rows in batches_by_length(newest.lengths, recommender.batch_size):
            batches.append((newest.padded(rows, least=1), ids.padded(rows, least=0)))
    return batches


def processor_seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor that this process spends on `work`."""
    started = time.process_time()
    work()
    return time.process_time() - started


def compare_speeds(bundle: Path, lists: list[list[str]], folder: Path) -> dict[str, float]:
    """Users a processor second of the session alone and of a run, medians of turns in one process.

    A run loads the bundle as well, which is taken off: it does not grow with the users.
    """
    recommender = Recommender.load(bundle, "cpu", 1)
    histories = write_table(folder / "histories.parquet", lists, 1)
    single = write_table(folder / "single.parquet", lists[:1], 1)
    batches = session_batches(recommender, lists)
    turns = []
    for turn in range(TURNS):
        alone = processor_seconds(lambda: run_batches(recommender, batches))
        idle = _run_seconds(bundle, single, folder / f"idle{turn}")
        turns.append((alone, _run_seconds(bundle, histories, folder / f"out{turn}") - idle))
    alone, scored = (statistics.median(seconds) for seconds in zip(*turns, strict=True))
    return {
        "session_users_per_second": len(lists) / alone,
        "score_users_per_second": len(lists) / scored,
        "share_of_the_session": statistics.median(alone / scored for alone, scored in turns),
    }


def run_batches(recommender: Recommender, batches: Sequence[Batch]) -> None:
    """The session alone."""
    for history, exclude in batches:
        run_graph(recommender.session, history, exclude, K)


def _run_seconds(bundle: Path, histories: Path, out: Path) -> float:
    return processor_seconds(lambda: run(asked(bundle, histories, out), 1))


def peak_mib_of_run(bundle: Path, histories: Path, out: Path) -> float:
    """The peak of a new process that scores all histories."""
    command = [sys.executable, "-c", PROGRAM, str(bundle), str(histories), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def measure_memory(
    bundle: Path, lists: list[list[str]], times: int, folder: Path
) -> dict[str, Any]:
    """The peaks of runs of all histories and of `times` as many."""
    peaks = {}
    for turns in (1, times):
        histories = write_table(folder / f"times{turns}.parquet", lists, turns)
        peak = peak_mib_of_run(bundle, histories, folder / f"peak{turns}")
        peaks[f"{turns * len(lists)} users"] = peak
    return peaks


def main() -> None:
    """Measure, write the results and print them."""
    parser = new_parser(__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("histories", type=Path)
    parser.add_argument("--users", type=int, default=PART_USERS)
    parser.add_argument("--times", type=int, default=10)
    p = parser.parse_args()
    ids = Recommender.load(p.bundle, "cpu", 1).items.ids
    lists = draw_histories(read_histories(p.histories), ids, p.users)
    with tempfile.TemporaryDirectory() as name:
        result = {
            "users": p.users,
            "speed": compare_speeds(p.bundle, lists, Path(name)),
            "peak_mib": measure_memory(p.bundle, lists, p.times, Path(name)),
            "part_users": PART_USERS,
            "measured_with": machine(1, "onnxruntime-gpu", "numpy", "pyarrow"),
        }
    write_json(RESULTS / "scoring.json", result)
    print((RESULTS / "scoring.json").read_text(), end="")


if __name__ == "__main__":
    main()
