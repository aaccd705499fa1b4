"""The first process starts the others, once, and tells each its number."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from slmrec.core import distributed
from slmrec.core.distributed import is_first, local_rank, start_others


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The processes that would have been started; the environment is put back afterwards."""
    processes: list[dict[str, Any]] = []

    def start(command: list[str], **options: Any) -> None:
        processes.append({"command": command, **options})

    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("RANK", None)
    os.environ.pop("LOCAL_RANK", None)
    monkeypatch.setattr(distributed.subprocess, "Popen", start)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "slmrec.stages.embed_items", "data"])
    return processes


def test_a_process_that_nobody_numbered_is_the_first() -> None:
    assert is_first()
    assert local_rank() == 0
    os.environ |= {"RANK": "3", "LOCAL_RANK": "1"}
    assert not is_first()
    assert local_rank() == 1


def test_each_other_process_runs_the_same_command_with_its_own_number(
    started: list[dict[str, Any]],
) -> None:
    start_others(3)
    command = [sys.executable, "-m", "slmrec.stages.embed_items", "data"]
    assert [process["command"] for process in started] == [command, command]
    assert [process["env"]["RANK"] for process in started] == ["1", "2"]
    assert [process["env"]["LOCAL_RANK"] for process in started] == ["1", "2"]
    assert {process["env"]["WORLD_SIZE"] for process in started} == {"3"}
    assert {process["env"]["MASTER_PORT"] for process in started} == {os.environ["MASTER_PORT"]}
    assert is_first()


def test_one_process_starts_no_other(started: list[dict[str, Any]]) -> None:
    start_others(1)
    assert not started
    assert "WORLD_SIZE" not in os.environ


@pytest.mark.parametrize("rank", ["0", "1"])
def test_processes_that_run_already_start_no_more(started: list[dict[str, Any]], rank: str) -> None:
    os.environ["RANK"] = rank
    start_others(2)
    assert not started
