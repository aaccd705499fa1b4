"""`slmrec tune`: a page, a table, and params.yaml with comments kept."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from slmrec.core.errors import UsageError
from slmrec.init.params_writer import revise
from slmrec.params.params_file import read_params
from slmrec.tuning import command
from slmrec.tuning.command import PAGE, Options, default_workers, run
from tests.support.project import ROOT, environment
from tests.tuning.support import small_space, space_file


def options(trials: int = 2, apply: bool = False, space: Path | None = None) -> Options:
    return Options(None, trials, 1, space or space_file(small_space()), apply)


def test_what_is_better_is_shown_and_written_only_where_asked_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = Path("params.yaml").read_text()
    run(options(), revise)
    printed = capsys.readouterr().out
    assert Path("params.yaml").read_text() == text
    assert "item_vectors, trial 2 of at most 2 epochs: 0." in printed
    assert "The test targets were not looked at" in printed
    _, difference = printed.split("+++ better\n")
    better = re.findall(r"^\+(.*)$", difference, re.MULTILINE)
    assert better and "with --apply" in difference
    page = PAGE.read_text()
    run(options(apply=True), revise)
    assert "trial 2" not in capsys.readouterr().out  # all are known
    assert PAGE.read_text() == page
    written = Path("params.yaml").read_text()
    assert [line for line in written.splitlines() if line not in text.splitlines()] == better
    assert re.findall("#.*", written) == re.findall("#.*", text)
    read_params(Path("params.yaml"))


def test_time_that_was_too_short_says_so_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(Options(1e-9, None, 1, space_file(small_space()), True), revise)
    assert "time was over before a trial was; the same command goes on" in capsys.readouterr().out
    assert not PAGE.exists()


def test_nothing_better_changes_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = small_space().model_dump(by_alias=True)
    for part in space["parts"].values():
        part["settings"] = {}
    text = Path("params.yaml").read_text()
    run(options(apply=True, space=space_file(type(small_space()).model_validate(space))), revise)
    assert "nothing better was found; params.yaml stays" in capsys.readouterr().out
    assert Path("params.yaml").read_text() == text
    assert PAGE.is_file()


def test_an_end_is_asked_for(project: Path) -> None:
    for minutes in (None, 0.0):
        with pytest.raises(UsageError, match="needs an end; say --budget 2h"):
            run(Options(minutes, None, 1, None, False), revise)


def test_logs_that_are_not_split_or_split_otherwise_are_named(project: Path) -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(revise(text, {"split.max_length": 9}))
    with pytest.raises(UsageError, match=r"split.max_length is 9, but .* was made with 8; run dvc"):
        run(options(), revise)
    Path("artifacts/histories").rename("elsewhere")
    with pytest.raises(UsageError, match=r"summary.json is missing; run dvc repro split first"):
        run(options(), revise)


def test_ctrl_c_is_one_line_and_a_code(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_request: object) -> list[object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "search_parts", interrupted)
    with pytest.raises(typer.Exit) as ending:
        run(options(), revise)
    assert ending.value.exit_code == 130
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.acceptance
def test_a_search_that_is_killed_goes_on_to_the_same_page(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = space_file(small_space())
    words = ["tune", "--trials", "2", "--workers", "1", "--space", str(space)]
    process = subprocess.Popen(
        [sys.executable, "-m", "slmrec.cli", *words],
        env={**environment(), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("teacher, trial 1"):
            process.send_signal(signal.SIGKILL)
    process.wait()
    run(options(), revise)
    resumed = without_seconds(PAGE.read_text())
    monkeypatch.setenv("SLMREC_CACHE", str(project / "another"))
    run(options(), revise)
    assert without_seconds(PAGE.read_text()) == resumed


def without_seconds(page: str) -> str:
    """The page without what depends on the clock."""
    page = re.sub(r", \d+ s</title>", "</title>", page)
    return re.sub(r'<td class="number">\d+\.\d</td>', "", page)


def test_cores_are_shared_by_workers_of_several_threads(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = read_params(Path("params.yaml"))
    monkeypatch.setattr(command.os, "sched_getaffinity", lambda _process: set(range(8)))
    for threads, workers in ((1, 8), (3, 2), (16, 1)):
        compute = params.compute.model_copy(update={"threads": threads})
        assert default_workers(params.model_copy(update={"compute": compute})) == workers
    gpu = params.compute.model_copy(update={"device": "cuda"})
    assert default_workers(params.model_copy(update={"compute": gpu})) == 1
