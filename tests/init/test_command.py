"""A run of `slmrec init` from the logs to params.yaml."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from ruamel.yaml import YAML

from slmrec.core.errors import UsageError
from slmrec.init import command
from slmrec.init.answers import Answers
from slmrec.init.command import Options, run
from slmrec.init.cost.trial_settings import Rate, Trial
from slmrec.params.params_file import read_params
from slmrec.stages import prepare
from tests.init.layouts import ratings, shops
from tests.init.layouts.made_up import by_time, by_user, write
from tests.init.test_params_writer import git
from tests.support.project import ROOT

QUIET = Options(yes=False, budget=None, estimate=False)
YES = Options(yes=True, budget=None, estimate=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml as git has it, in which the process stands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "params.yaml")
    git(tmp_path, "commit", "-qm", "shipped")
    return tmp_path


def nameless(data: Path) -> None:
    """Two ids of which nothing says which is the user."""
    write(data / "a.csv", ["a,b,c", *(f"{e.user},{e.item},{e.seconds}" for e in by_time())])


def sections() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(Path("params.yaml"))
    return loaded


def test_what_is_written_is_valid_and_the_same_for_the_same_files(project: Path) -> None:
    ratings.movielens_1m(project / "data")

    run(Path("data"), Answers(), QUIET)
    first = Path("params.yaml").read_bytes()
    run(Path("data"), Answers(), QUIET)

    assert Path("params.yaml").read_bytes() == first
    params = read_params(Path("params.yaml"))
    assert params.prepare.events.files == ["ratings.dat"]
    assert params.split.method == "leave_one_out"  # 580 events leave too few targets after a cut
    assert params.validate_.min_events == 290


@pytest.mark.parametrize(
    "layout", [ratings.movielens_1m, ratings.steam, shops.instacart, shops.mind]
)
def test_prepare_reads_what_init_wrote_without_losing_a_row(project: Path, layout: Any) -> None:
    layout(project / "data")
    run(Path("data"), Answers(), QUIET)

    prepare.main(
        Path("data"),
        events_dir=Path("events"),
        champion_dir=Path("champion"),
        metrics_path=Path("data.json"),
    )

    quarantined = pl.read_parquet("events/quarantine.parquet")
    assert set(quarantined["reason"]) <= {"duplicate"}
    items = pl.read_parquet("events/items.parquet")
    assert items["title"].null_count() == 0


def test_a_doubt_that_nobody_can_be_asked_about_stops_and_writes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nameless(project / "data")
    before = Path("params.yaml").read_bytes()

    with pytest.raises(UsageError, match="--user, --item") as raised:
        run(Path("data"), Answers(), QUIET)

    assert raised.value.exit_code == 2
    assert Path("params.yaml").read_bytes() == before
    assert "in doubt: the user is a, but could be b" in capsys.readouterr().out


def test_flags_or_yes_settle_doubts(project: Path) -> None:
    nameless(project / "data")

    run(Path("data"), Answers(user="b", item="a"), QUIET)
    assert sections()["prepare"]["events"]["columns"]["user"] == "b"

    run(Path("data"), Answers(), YES)
    assert sections()["prepare"]["events"]["columns"]["user"] == "a"


def test_at_a_terminal_doubts_are_asked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless(project / "data")
    answers = iter(["b", "a"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(typer, "prompt", lambda *_words, **_options: next(answers))
    monkeypatch.setattr(typer, "confirm", lambda *_words, **_options: True)

    run(Path("data"), Answers(), QUIET)

    columns = sections()["prepare"]["events"]["columns"]
    assert (columns["user"], columns["item"]) == ("b", "a")


def test_edited_params_stay_and_the_difference_is_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shops.events_alone(project / "data")
    path = Path("params.yaml")
    path.write_text(path.read_text().replace("width: 64", "width: 32", 1))

    run(Path("data"), Answers(), QUIET)

    assert "width: 32" in path.read_text()
    assert "-  width: 32" in capsys.readouterr().out
    assert read_params(Path("params.init.yaml")).prepare.events.files == ["clicks.csv"]


def test_a_budget_cuts_and_says_what(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{e.user + 60 * n},{e.item},{e.seconds}" for n in range(30) for e in by_user()]
    write(project / "data" / "events.csv", ["user,item,time", *lines])
    names = ("sasrec", "student", "scratch")

    def slow(_trial: Trial) -> dict[str, Rate]:
        return {name: Rate(name, 1e-3, 1e-5, 1e-5, 2**30) for name in names}

    monkeypatch.setattr(command, "run_trial", slow)
    run(Path("data"), Answers(), Options(yes=False, budget=None, estimate=True))
    free = sections()
    run(Path("data"), Answers(), Options(yes=False, budget=15.0, estimate=True))
    said, cut = capsys.readouterr().out, sections()

    assert len(free["embed_items"]["ensemble_seeds"]) == 4
    assert len(cut["embed_items"]["ensemble_seeds"]) < 4
    assert "to stay within 15 min" in said
    assert "together" in said


def test_logs_elsewhere_are_sized_with_a_word_about_data(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shops.events_alone(tmp_path / "logs")

    run(tmp_path / "logs", Answers(), QUIET)

    assert "the pipeline reads data/" in capsys.readouterr().out


def test_outside_of_a_project_there_is_a_line_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match="in the root of the project"):
        run(Path("data"), Answers(), QUIET)
