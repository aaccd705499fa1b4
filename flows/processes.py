"""Processes that end with what started them, each with all that it has started itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SECONDS_TO_END = 10  # between SIGTERM and SIGKILL


@contextmanager
def process_group(
    module: str,
    arguments: list[str],
    folder: Path,
    output: int | None,
    *,
    settings: Mapping[str, str] | None = None,
    seconds_to_end: float = SECONDS_TO_END,
) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m module arguments` in `folder`, as the head of a new process group.

    However the block ends, the whole group ends with it, killed after `seconds_to_end`. `output` is
    where stdout and stderr go, as for subprocess.Popen; `settings` join the environment.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.child", sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**_environment(), **(settings or {})},
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process, seconds_to_end)


@contextmanager
def ended_after(process: subprocess.Popen[str], seconds: float | None) -> Iterator[threading.Event]:
    """End the process's group so many seconds from now, where the block lasts so long.

    None is for never. The event says whether it was ended.
    """
    ended = threading.Event()
    if seconds is None:
        yield ended
        return

    def end() -> None:
        ended.set()
        _end(process, SECONDS_TO_END)

    timer = threading.Timer(max(seconds, 0.0), end)
    timer.start()
    try:
        yield ended
    finally:
        timer.cancel()
        timer.join()


def end_with_worker() -> None:
    """Where a worker started this process, end when it is gone, whatever has ended it.

    The kernel's signal would come with the end of the worker's thread, so this asks every second.
    """
    if "PREFECT__FLOW_RUN_ID" in os.environ:
        threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _environment() -> dict[str, str]:
    # dvc.yaml starts a stage with `python`: that must be the interpreter which runs this.
    interpreter_dir = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{interpreter_dir}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
    }


def _end(process: subprocess.Popen[str], seconds: float) -> None:
    # Listed while the head lives: later a child with a group of its own cannot be found.
    descendants = _descendants(process.pid)
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):  # then SIGKILL ends it below
            process.wait(seconds)
    _signal_group(process.pid, signal.SIGKILL)
    for descendant in descendants:
        # psutil compares start times, so another process with a reused id is not killed.
        with suppress(psutil.NoSuchProcess):
            descendant.kill()
    process.wait()


def _descendants(head: int) -> list[psutil.Process]:
    try:
        return psutil.Process(head).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group is empty already
        os.killpg(group, number)
