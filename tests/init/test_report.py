"""What a person is told."""

from __future__ import annotations

from pathlib import Path

from slmrec.init.answers import Answers
from slmrec.init.cost.estimate import StageCost
from slmrec.init.findings import inspect
from slmrec.init.report import cost_text, example_events, found_lines, logs_line, text_lines
from tests.init.layouts import ratings, shops
from tests.init.support import BEAUTY, NOTHING, facts


def test_files_layouts_and_roles_are_said(tmp_path: Path) -> None:
    ratings.movielens_1m(tmp_path)

    layout = "tsv, delimiter '::', no header line, so columns are 1, 2, ..."
    assert found_lines(inspect(tmp_path, Answers())) == [
        f"events: ratings.dat, {layout}; 580 rows",
        "  user 1, item 2, time 4 (epoch_s), weight 3",
        f"items: movies.dat, {layout}, latin-1; 40 rows",
        "  item 1, title 2",
    ]


def test_five_events_are_shown_with_times_in_words_and_titles(tmp_path: Path) -> None:
    ratings.movielens_1m(tmp_path)
    first = (tmp_path / "ratings.dat").read_text().split("\n")[0].split("::")

    shown = example_events(inspect(tmp_path, Answers()))

    assert len(shown) == 5
    assert (shown[0]["user"], shown[0]["item"], shown[0]["weight"]) == (
        first[0],
        first[1],
        first[2],
    )
    assert shown[0]["time"].endswith(" UTC")
    assert shown[0]["title"].startswith("Caf\u00e9 ")


def test_events_without_a_clock_are_shown_by_their_number(tmp_path: Path) -> None:
    shops.instacart(tmp_path)

    assert example_events(inspect(tmp_path, Answers()))[0]["time"] == "number 1"


def test_lists_are_shown_with_the_title_of_their_first_item(tmp_path: Path) -> None:
    shops.mind(tmp_path)

    shown = example_events(inspect(tmp_path, Answers()))[0]

    assert " " in shown["item"]
    assert shown["title"]


def test_missing_packages_are_named_with_the_command() -> None:
    assert list(text_lines(facts())) == []
    said = "\n".join(text_lines(facts(extras=NOTHING)))
    assert "titles would help" in said
    assert "[pipeline,text,llm]" in said


def test_costs_are_a_table_with_their_sum() -> None:
    text = cost_text([StageCost("prepare", 0.5, 0.4), StageCost("embed_items", 20.0, 1.1)])

    assert text.splitlines()[0].split() == ["stage", "minutes", "GiB"]
    assert text.splitlines()[-1].split() == ["together", "20", "1.1"]


def test_the_logs_are_told_in_a_line() -> None:
    assert logs_line(BEAUTY).startswith("198,215 events of 22,332 users and 12,086 items; ")
