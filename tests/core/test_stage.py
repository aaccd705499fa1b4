"""A stage gets its paths from the command line, and its errors become one line and an exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from slmrec.core.errors import DataError
from slmrec.core.locks import lock
from slmrec.core.stage import run_stage
from tests.support.project import ROOT
from tests.support.waiting import wait_until

Paths = dict[str, Path]


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the command line of a stage `copy`, run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("slmrec.core.stage.die_with_parent", lambda: None)
    (tmp_path / "histories").mkdir()
    return lambda *words: monkeypatch.setattr(sys, "argv", ["stages/copy.py", *words])


def exit_code(main: Callable[..., None]) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        run_stage(main)
    return ended.value.code


def test_positional_paths_are_inputs_and_keyword_paths_outputs(
    arguments: Callable[..., None],
) -> None:
    calls: list[Paths] = []

    def main(histories_dir: Path, *, student_dir: Path, metrics_path: Path) -> None:
        calls.append({"in": histories_dir, "student": student_dir, "metrics": metrics_path})

    arguments("histories", "student", "metrics.json")
    run_stage(main)
    outputs = {"student": Path("student"), "metrics": Path("metrics.json")}
    assert calls == [{"in": Path("histories"), **outputs}]


def copy(histories_dir: Path, *, metrics_path: Path) -> None:
    raise DataError(f"no events in {histories_dir}")


def test_a_wrong_number_of_paths_is_answered_with_their_names(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments("histories")
    assert exit_code(copy) == 2
    assert "copy: 1 paths given, expected 2: HISTORIES METRICS" in capsys.readouterr().err


def test_an_input_that_is_not_there_is_named_without_running_the_stage(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments("elsewhere", "metrics.json")
    assert exit_code(copy) == 2
    expected = "copy: histories is missing: elsewhere does not exist; run dvc repro\n"
    assert capsys.readouterr().err.startswith(expected)


def test_an_error_without_last_outputs_is_one_line(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments("histories", "metrics.json")
    assert exit_code(copy) == DataError.exit_code
    assert capsys.readouterr().err == "copy: no events in histories\n"


def test_an_error_is_one_line_its_own_code_and_how_to_get_the_outputs_back(
    arguments: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slmrec.core.stage.has_last_outputs", lambda stage, _dir: stage == "copy")
    arguments("histories", "metrics.json")
    assert exit_code(copy) == DataError.exit_code
    assert capsys.readouterr().err.splitlines() == [
        "copy: no events in histories",
        "copy: the last good outputs come back with: dvc checkout --force copy",
    ]


def test_an_error_of_the_code_itself_is_not_hidden(arguments: Callable[..., None]) -> None:
    def main(histories_dir: Path) -> None:
        raise ZeroDivisionError

    arguments("histories")
    with pytest.raises(ZeroDivisionError):
        run_stage(main)


def test_a_stage_runs_once_at_a_time(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments("histories", "metrics.json")
    with lock("copy"):
        assert exit_code(copy) == 5
    assert "copy is already running" in capsys.readouterr().err


def test_a_further_process_takes_part_without_the_lock_and_writes_nothing_that_is_kept(
    arguments: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Path] = []

    def main(histories_dir: Path, *, metrics_path: Path) -> None:
        metrics_path.write_text("1")
        written.append(metrics_path)

    arguments("histories", "metrics.json")
    monkeypatch.setenv("RANK", "1")
    with lock("copy"):
        run_stage(main)
    assert [path.name for path in written] == ["metrics.json"]
    assert not written[0].exists()
    assert not Path("metrics.json").exists()


PARENT = """
import subprocess, sys, time
child = "from slmrec.core.stage import die_with_parent; import time; die_with_parent()"
child += "; print('ready', flush=True); time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""


def test_a_process_that_dies_with_its_parent_is_gone_when_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    # Where nobody collects orphans a dead process stays listed as a zombie.
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
