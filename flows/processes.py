"""Processes that never outlive what asked for them: each heads its own group, and is ended with all it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SECONDS_TO_END = 10


@contextmanager
def process_group(
    module: str, words: list[str], folder: Path, output: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m module words` in `folder`, in its own group; whatever ends the block takes the whole group along.

    `output` is where stdout and stderr go, as for subprocess.Popen.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.child", sys.executable, "-m", module, *words],
        cwd=folder,
        env=_environment(),
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
        _end(process)


def _environment() -> dict[str, str]:
    # DVC starts a stage by the word `python`: it must be the one that runs this.
    here = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _end(process: subprocess.Popen[str]) -> None:
    # Listed while the head still lives: a child that opened a group of its own cannot be found
    # afterwards.
    members = _descendants(process.pid)
    if process.poll() is None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):  # the next lines are for those who do not listen
            process.wait(SECONDS_TO_END)
    _signal_group(process.pid, signal.SIGKILL)
    for member in members:
        with suppress(
            psutil.NoSuchProcess
        ):  # psutil compares start times, so a recycled number is not hit
            member.kill()
    process.wait()


def _descendants(head: int) -> list[psutil.Process]:
    try:
        return psutil.Process(head).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # nobody is left in it, which is what we want
        os.killpg(group, number)
