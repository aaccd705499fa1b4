"""A lock has one holder at a time, says who it is, and never outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slmrec.core.errors import BusyError
from slmrec.core.locks import lock
from tests.support.project import ROOT

HOLD = """
from slmrec.core.locks import lock
with lock("teacher"):
    print("held", flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    return tmp_path


@contextmanager
def held_elsewhere() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until it is killed or reads a line."""
    program = [sys.executable, "-c", HOLD]
    with subprocess.Popen(
        program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_second_process_is_told_who_holds_the_lock() -> None:
    with (
        held_elsewhere() as holder,
        pytest.raises(BusyError, match=rf"teacher is already running \(process {holder.pid}\)"),
        lock("teacher"),
    ):
        pytest.fail("two processes hold one lock")


def test_the_holder_may_not_take_its_own_lock_twice() -> None:
    with lock("teacher"), pytest.raises(BusyError, match=f"process {os.getpid()}"), lock("teacher"):
        pytest.fail("one process holds one lock twice")


def test_a_lock_is_free_again_after_its_block_even_when_that_fails() -> None:
    with pytest.raises(ZeroDivisionError), lock("teacher"):
        raise ZeroDivisionError
    with lock("teacher"):
        pass


def test_locks_of_other_names_are_independent() -> None:
    with lock("teacher"), lock("student"):
        pass


def test_what_several_projects_share_is_locked_where_it_lies(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with lock("publish", folder=shared), lock("publish"):
        assert (shared / "publish.lock").read_text() == str(os.getpid())
        with pytest.raises(BusyError), lock("publish", folder=shared):
            pytest.fail("one lock of two projects")


def test_the_kernel_releases_the_lock_of_a_killed_process(cache_dir: Path) -> None:
    with held_elsewhere() as holder:
        holder.kill()
        holder.wait()
        assert (cache_dir / "locks/teacher.lock").read_text() == str(holder.pid)
        with lock("teacher"):
            assert (cache_dir / "locks/teacher.lock").read_text() == str(os.getpid())


def test_one_that_waits_says_whom_it_waits_for_and_goes_on_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    order: list[str] = []

    def wait() -> None:
        with lock("teacher", wait=True):
            order.append("waiting one")

    thread = threading.Thread(target=wait)
    with lock("teacher"):
        thread.start()
        printed = ""
        while f"waiting for teacher (process {os.getpid()})" not in printed:
            assert thread.is_alive(), "it did not wait"
            time.sleep(0.01)
            printed += capsys.readouterr().out
        order.append("holder")
    thread.join()
    assert order == ["holder", "waiting one"]
