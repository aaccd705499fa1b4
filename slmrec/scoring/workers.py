"""Parts computed in this process or in several, each with a bundle of its own."""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import pyarrow as pa

from slmrec.core.errors import BundleError, UnavailableError
from slmrec.core.files import sha256_of
from slmrec.core.parent import die_with_parent
from slmrec.runtime.bundle import MANIFEST
from slmrec.scoring.lists import Lists
from slmrec.scoring.part import Answer, from_ipc, to_ipc, write_part
from slmrec.scoring.vectors import Vectors

THREADS = 1  # of a process: many small runs share cores best by processes


@dataclass(frozen=True)
class Work:
    """What is the same for all parts of a run."""

    bundle: Path  # its real folder: a pointer to it may move meanwhile
    bundle_sha256: str  # of its manifest
    device: Literal["cpu", "cuda"]
    task: Lists | Vectors
    out: Path
    made_with: str  # the hash of the run's settings, which every part carries

    def part_file(self, part: int) -> Path:
        """Where a part is written."""
        return self.out / f"part-{part:06}.parquet"


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):  # of Linux alone
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def write_parts(work: Work, parts: Iterable[tuple[int, pa.Table]], processes: int) -> Iterator[int]:
    """Compute and write the parts; gives the users of each as it is done, in whatever order.

    Raises UnavailableError where a process is ended from outside; finished parts stay.
    """
    if processes == 1:
        for part, histories in parts:
            yield _write_part(work, part, histories)
        return
    context = multiprocessing.get_context("spawn")  # onnxruntime's threads do not survive a fork
    pool = ProcessPoolExecutor(processes, context, initializer=_begin)
    try:
        yield from _in_pool(pool, work, iter(parts), processes)
    except BrokenProcessPool as error:
        raise UnavailableError(
            "a process was ended from outside, perhaps for want of memory; what is "
            "finished stays: run it again, with fewer --processes or smaller --part-users"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _in_pool(
    pool: ProcessPoolExecutor, work: Work, parts: Iterator[tuple[int, pa.Table]], processes: int
) -> Iterator[int]:
    pending: set[Future[int]] = set()
    while True:
        # One part waits for each process that works, and no more of them lie in memory.
        for part, histories in islice(parts, 2 * processes - len(pending)):
            pending.add(pool.submit(write_sent_part, work, part, to_ipc(histories)))
        if not pending:
            return
        done, pending = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def _begin() -> None:
    """What a process does first: Ctrl-C is its parent's affair, and it ends with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()


def write_sent_part(work: Work, part: int, histories: bytes) -> int:
    """Compute and write a part whose histories came from another process; its users."""
    return _write_part(work, part, from_ipc(histories))


def _write_part(work: Work, part: int, histories: pa.Table) -> int:
    table, counts = _ready(work)(histories)
    write_part(work.part_file(part), table, counts, work.made_with)
    return counts.users


@functools.lru_cache(maxsize=1)
def _ready(work: Work) -> Answer:
    """The bundle, loaded once in a process, as what answers a part."""
    answer = work.task.ready(work.bundle, work.device, THREADS)
    if sha256_of(work.bundle / MANIFEST) != work.bundle_sha256:
        raise BundleError(f"{work.bundle} was replaced while it was used; run it again")
    return answer
