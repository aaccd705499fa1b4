"""A verdict is told to programs as JSON, to people as lines and a page."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from slmrec.registry.verdict import Rule, Verdict

HELD = Rule("hr@10", 0.25, "hits & misses", "because", at_least=0.2, at_most=0.3)
BROKEN = Rule("beats <popularity>", 0.0, "a lead", "because", above=0.0)
LEFT_OUT = Rule("slice", -1.0, "a slice", "because", at_least=0.0, not_judged="2 users")
VERDICT = Verdict(
    challenger="abc",
    champion="1.0.0",
    window={"targets": 9, "to": "2026-01-01T00:00:00Z"},
    figures={"challenger": {"hr@10": 0.25}, "champion": {"hr@10": 0.125}},
    rules=[HELD, LEFT_OUT],
    override=None,
)
FAILED = replace(VERDICT, rules=[HELD, BROKEN])


class Text(HTMLParser):
    """The words of a page; every tag must be closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened += [] if tag == "meta" else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag, "closed in the order they were opened"

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


@pytest.mark.parametrize(
    ("seen", "passed"), [(0.19, False), (0.2, True), (0.3, True), (0.31, False)]
)
def test_bounds_belong_to_what_is_allowed(seen: float, passed: bool) -> None:
    assert replace(HELD, seen=seen).passed is passed


def test_above_is_more_than() -> None:
    assert not BROKEN.passed
    assert replace(BROKEN, seen=1e-9).passed


def test_a_rule_that_is_not_judged_binds_nothing() -> None:
    assert LEFT_OUT.passed
    assert LEFT_OUT.line.split() == ["-", "slice", "-1.0000", "not", "judged:", "2", "users"]


def test_a_rule_is_a_line() -> None:
    assert HELD.line == "pass  hr@10                          0.2500  at least 0.2, at most 0.3"
    assert BROKEN.line.startswith("FAIL  beats <popularity> ")


def test_all_rules_must_hold_or_somebody_answers_for_it() -> None:
    assert VERDICT.publishes and VERDICT.passed
    assert not FAILED.publishes
    overridden = replace(FAILED, override="the window is odd")
    assert overridden.publishes and not overridden.passed


def test_the_headline_says_what_was_decided_and_why() -> None:
    assert VERDICT.headline == "passed: all 2 rules hold against the champion 1.0.0"
    broken = "1 of 2 rules are broken: beats <popularity>"
    assert FAILED.headline == f"kept the champion 1.0.0: {broken}"
    assert replace(FAILED, champion=None).headline == f"kept nothing: {broken}"
    assert replace(FAILED, override="odd").headline == f"overridden (odd): {broken}"


def test_json_holds_each_rule_with_what_was_seen_its_bound_and_its_reason() -> None:
    read = json.loads(json.dumps(FAILED.as_json(), allow_nan=False))
    assert (read["passed"], read["publishes"], read["champion"]) == (False, False, "1.0.0")
    rule = read["rules"][0]
    assert (rule["seen"], rule["bound"]) == (0.25, "at least 0.2, at most 0.3")
    assert (rule["passed"], rule["reason"]) == (True, "because")


def test_the_page_is_well_formed_loads_nothing_and_escapes() -> None:
    page = FAILED.page()
    assert Text(page).opened == []
    assert "http" not in page and "<script" not in page and "<link" not in page
    assert "beats &lt;popularity&gt;" in page
    assert page == FAILED.page()


def test_the_page_tells_rules_figures_and_window() -> None:
    text = Text(FAILED.page()).text
    for words in (
        "pass hr@10: hits & misses because 0.2500 at least 0.2, at most 0.3",
        "FAIL beats <popularity>: a lead because 0.0000 above 0",
        "challenger 0.2500 champion 0.1250",
        "targets 9",
        "kept the champion 1.0.0",
    ):
        assert words in text
    assert "none: the first version" in Text(replace(VERDICT, champion=None).page()).text
