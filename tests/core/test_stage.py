"""A stage gets its paths from the command line, and its errors become one line and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.core.locks import lock
from slmrec.core.scratch import scratch_folder
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


def test_a_full_disk_is_one_line_with_what_to_do(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def main(histories_dir: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "artifacts/x")

    arguments("histories")
    assert exit_code(main) == 8
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("copy: no space left to write at artifacts/x")
    assert "dvc gc" in line


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_writes_stays(
    arguments: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    left = tmp_path / "artifacts" / ".teacher.123.0a1b2c3d.tmp"
    old = tmp_path / "cache" / "prepare" / ".generation.77.tmp"
    for folder in (left, old):
        (folder / "part").mkdir(parents=True)

    def main(histories_dir: Path, *, student_dir: Path) -> None:
        pass

    arguments("histories", "artifacts/student")
    with scratch_folder(tmp_path / "artifacts" / "other") as living:
        run_stage(main)
        assert living.exists()
    assert not left.exists() and not old.exists()
    printed = capsys.readouterr().out
    assert f"copy: removed {Path('artifacts', left.name)}, which a killed run had left" in printed


STAGE = """
import sys, time
from pathlib import Path
sys.argv[0] = "copy.py"
from slmrec.core.stage import run_stage
from slmrec.core.files import new_folder

def main(histories_dir: Path, *, student_dir: Path) -> None:
    with new_folder(student_dir) as folder:
        (folder / "half").write_text("half of it")
        print("writing", flush=True)
        time.sleep(600)

run_stage(main)
"""


def test_ctrl_c_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "histories").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", STAGE, "histories", "student"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as stage:
        assert stage.stdout is not None and stage.stderr is not None
        wait_until(lambda: stage.stdout.readline() == "writing\n")  # type: ignore[union-attr]
        stage.send_signal(signal.SIGINT)
        printed = stage.stderr.read().splitlines()
    assert stage.returncode == 130
    assert printed == ["copy: stopped by Ctrl-C; dvc repro goes on from here"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cache", "histories"]


IMPORTING = """
import sys
sys.argv[0] = "-m"  # as it is while Python looks for the stage's module
import slmrec.stages
print("importing", flush=True)
import time
time.sleep(600)
"""


def test_ctrl_c_while_a_stage_is_importing_prints_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as stage:
        assert stage.stdout is not None and stage.stderr is not None
        assert stage.stdout.readline() == "importing\n"
        stage.send_signal(signal.SIGINT)
        assert stage.stderr.read() == ""
    assert stage.returncode == -signal.SIGINT
