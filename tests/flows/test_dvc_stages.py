"""Stages run one by one, in order, through DVC; their errors are their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from flows.budget import Budget
from flows.dvc_stages import StageError, reproduce_stage, stage_order
from flows.processes import process_group
from slmrec.core.errors import BudgetError, BusyError
from tests.support.project import environment
from tests.support.small_flow import ENTRY, add_stage, reproduce
from tests.support.waiting import has_ended, wait_until


def test_stages_come_in_the_order_of_their_dependencies_not_of_the_file(small: Path) -> None:
    assert stage_order(small) == ["first", "second", "report"]


def test_where_dependencies_leave_a_choice_the_order_of_the_file_decides(small: Path) -> None:
    names = ["pear", "apple", "plum", "cherry", "banana"]
    for name in names:
        add_stage(small, name, "pass")
    order = stage_order(small)
    assert [name for name in order if name in names] == names


def test_a_stage_runs_once_and_its_lines_are_passed_on(small: Path) -> None:
    lines = reproduce("first", small)
    assert "first line" in lines
    assert "first line" not in reproduce("first", small)


def test_it_says_whether_a_stage_was_stale(small: Path) -> None:
    def ran() -> bool:
        return reproduce_stage("first", small, lambda _: None)

    assert [ran(), ran()] == [True, False]
    (small / "data" / "more.inter").write_text("more")
    assert ran()
    (small / "data" / "more.inter").unlink()
    assert not ran()  # DVC brings back what it made of the same data before


def test_only_the_named_stage_runs(small: Path) -> None:
    reproduce("first", small)
    assert (small / "first.txt").exists()
    assert not (small / "second.txt").exists()


def test_the_exit_code_and_the_reason_are_the_stages_own_not_dvcs(small: Path) -> None:
    add_stage(small, "broken", "raise DataError('7 bad rows; mend them')")
    with pytest.raises(StageError) as failure:
        reproduce("broken", small)
    assert failure.value.code == 3
    assert str(failure.value) == "broken ended with 3: 7 bad rows; mend them"
    assert not failure.value.worth_retrying


def test_a_stage_that_was_killed_is_worth_another_try(small: Path) -> None:
    add_stage(small, "killed", "os.kill(os.getpid(), 9)")
    with pytest.raises(StageError) as failure:
        reproduce("killed", small)
    assert failure.value.worth_retrying


def test_a_stage_held_by_another_run_is_busy(small: Path) -> None:
    add_stage(small, "held", "time.sleep(600)")
    repro = ["repro", "--single-item", "held"]
    rwlock = small / ".dvc/tmp/rwlock"
    with process_group("dvc", repro, small, subprocess.DEVNULL) as other:
        wait_until(lambda: rwlock.exists() and "held" in rwlock.read_text())
        with pytest.raises(StageError) as failure:
            reproduce("held", small)
        assert other.poll() is None
    assert failure.value.code == BusyError.exit_code
    assert failure.value.worth_retrying


def test_a_stage_beyond_the_budget_is_ended_and_nothing_of_it_runs_on(small: Path) -> None:
    add_stage(small, "slow", "time.sleep(600)")
    spent = Budget(0.5, time.monotonic())
    with pytest.raises(BudgetError, match=r"slow was not finished within the budget of 0\.5 min"):
        reproduce_stage("slow", small, print, spent)
    assert not [child for child in psutil.Process().children(recursive=True) if is_stage(child)]


def test_a_stage_within_the_budget_is_left_alone(small: Path) -> None:
    assert reproduce_stage("first", small, print, Budget.of(60.0))


def is_stage(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "slmrec.stages.slow" in " ".join(process.cmdline()) and not has_ended(process)
    return False


RUNNER = """
import signal, sys
from pathlib import Path
from flows.dvc_stages import reproduce_stage
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
reproduce_stage("slow", Path(), print)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["told-to-end", "killed"])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_no_stage_outlives_the_process_that_runs_it(
    small: Path, number: signal.Signals, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # DVC starts a stage with it: some shells stay between the two, some become the stage.
    monkeypatch.setenv("SHELL", shell)
    add_stage(small, "slow", "open('pid.txt', 'w').write(str(os.getpid())); time.sleep(600)")
    pid_file = small / "pid.txt"
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER], cwd=small, env=environment(), stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: pid_file.exists() and pid_file.read_text())
        stage = psutil.Process(int(pid_file.read_text()))
        started = [stage, *stage.parents()[:1]]
    finally:
        runner.send_signal(number)
    runner.wait()
    ours = [process for process in started if process.pid not in (1, os.getpid())]
    wait_until(lambda: all(has_ended(process) for process in ours))


@pytest.mark.acceptance
@pytest.mark.parametrize("first_words", ["", "python -m"], ids=["as a shell", "as python"])
def test_no_stage_outlives_a_dvc_that_is_killed_while_it_starts(
    small: Path, first_words: str
) -> None:
    # Its imports never end: without the end of its parent it would live on.
    (small / "slmrec/stages/importing.py").write_text("import time\ntime.sleep(600)\n")
    (small / "dvc.yaml").write_text("stages:" + ENTRY.format(name="importing"))
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"],
            cwd=small,
            env=environment(),
            stdout=subprocess.DEVNULL,
        ) as dvc:
            stage = starting_stage(psutil.Process(dvc.pid), first_words)
            dvc.kill()
        wait_until(lambda stage=stage: has_ended(stage))  # type: ignore[misc]


def starting_stage(dvc: psutil.Process, first_words: str) -> psutil.Process:
    """The process that is, or is to become, the stage: once its command line starts like this."""
    found: list[psutil.Process] = []

    def appears() -> bool:
        for child in dvc.children():
            with suppress(psutil.Error):
                command = " ".join(child.cmdline())
                if "slmrec.stages.importing" in command and command.startswith(first_words):
                    found.append(child)
        return bool(found)

    wait_until(appears, every=0.001)
    return found[0]
