"""The page tells everything in one file, loads nothing, and escapes what the logs hold."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl

from slmrec.core import tables
from slmrec.preprocessing.validation.drift import Shift
from slmrec.preprocessing.validation.html_report import EXAMPLES, make_page, read_examples
from slmrec.preprocessing.validation.suite import CheckResult
from tests.support.profiles import PROFILE

KEPT = CheckResult("it holds", True, "3", None)
BROKEN = CheckResult("no user's id is <b>", False, "2 of 3 users do not, such as '<script>'", None)
FAILED = CheckResult("it can be checked", False, "could not be checked", "no such metric")
Rows = list[tuple[str, int, str, str | None]]
ROWS: Rows = [
    ("logs/a&b.csv", 7, "malformed line", "<img src=x>"),
    ("logs/a&b.csv", 9, "no item", None),
]


class Text(HTMLParser):
    """The words of a page and how often each tag is opened and closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened += [] if tag in ("meta", "br") else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag, "closed in the order they were opened"

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    def says(self, sentence: str) -> bool:
        return sentence in " ".join(self.words)


def examples(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=tables.QUARANTINE, orient="row")


def test_a_page_is_well_formed_and_loads_nothing() -> None:
    shifts = [Shift("popularity", 0.31, 0.3)]
    page = make_page(PROFILE, [KEPT, BROKEN, FAILED], shifts, examples(ROWS))
    assert page.startswith("<!DOCTYPE html>")
    assert Text(page).opened == []
    assert "http" not in page and "<script" not in page and "<link" not in page
    assert page == make_page(PROFILE, [KEPT, BROKEN, FAILED], shifts, examples(ROWS))


def test_what_the_logs_hold_is_text_and_no_markup() -> None:
    page = make_page(PROFILE, [BROKEN], None, examples(ROWS))
    assert "&lt;script&gt;" in page and "<img" not in page and "<b>&gt;" not in page
    text = Text(page)
    assert text.says("no user's id is <b>") and text.says("logs/a&b.csv row 7: <img src=x>")


def test_the_verdict_counts_promises_and_drift() -> None:
    shifts = [Shift("popularity", 0.31, 0.3), Shift("volume", 1, 3)]
    text = Text(make_page(PROFILE, [KEPT, KEPT, BROKEN], shifts, examples([])))
    assert text.says(
        "2 of 3 promises are kept; 1 of 2 measures of drift are beyond what is allowed."
    )
    assert text.says("beyond popularity 0.310 0.3") and text.says("within volume 1.000 3")


def test_the_colour_of_the_verdict_is_that_of_the_worst() -> None:
    drifted, steady = [Shift("x", 2, 1)], [Shift("x", 1, 1)]
    for results, shifts, colour in (
        ([KEPT], None, "kept"),
        ([KEPT], steady, "kept"),
        ([KEPT], drifted, "warned"),
        ([KEPT, BROKEN], drifted, "broken"),
    ):
        page = make_page(PROFILE, results, shifts, examples([]))
        assert f'<p class="{colour}">' in page


def test_a_check_that_could_not_run_shows_why() -> None:
    page = make_page(PROFILE, [FAILED], None, examples([]))
    assert Text(page).says("? it can be checked no such metric")


def test_facts_quarantine_and_charts_are_told() -> None:
    text = Text(make_page(PROFILE, [KEPT], None, examples(ROWS)))
    for fact in (
        "1,200 events",
        "2023-11-14 first event",
        "75.0% of events have a titled item",
        "2.00% of rows set aside",
        "There is no previous version: data/index/profile.json is absent.",
        "malformed line 20 logs/a&b.csv row 7: <img src=x> no item 4 logs/a&b.csv row 9",
        "events a day 2023-11-14: 400 2023-11-15: 800",
    ):
        assert text.says(fact), fact


def test_without_a_bad_row_the_page_says_so() -> None:
    page = make_page(replace(PROFILE, quarantined={}), [KEPT], None, examples([]))
    assert Text(page).says("No row was set aside.")


def test_some_rows_of_each_reason_are_examples(tmp_path: Path) -> None:
    rows: Rows = [("a.csv", row, reason, None) for reason in ("x", "y") for row in range(9)]
    examples(rows).write_parquet(tmp_path / "quarantine.parquet")
    table = read_examples(tmp_path)
    assert table["row"].to_list() == list(range(EXAMPLES)) * 2
    assert table["reason"].to_list() == ["x"] * EXAMPLES + ["y"] * EXAMPLES
