"""The page loads nothing, tells everything, and is the same for the same trials."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from slmrec.tuning.page import make_page
from tests.tuning.outcomes import ALONE, FOUND, STUDENT


class Tags(HTMLParser):
    """Notes the tags that are open, and fails on one that is closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_tells_settings_importance_history_and_cost() -> None:
    page = make_page([FOUND, STUDENT, ALONE])
    assert "The test targets were not looked at" in page
    assert "without distillation 0.2900 (+0.0100)" in page
    assert '<td>0.003</td>\n<td class="better">0.002</td>' in page
    assert page.count("<circle") == 3  # the failed one has no figure
    assert "100%" in page  # importance
    assert "term &lt;ranking&gt; is nan" in page
    assert '<td class="number">50.0</td>' in page


def test_the_page_is_whole_loads_nothing_and_is_the_same_again() -> None:
    page = make_page([FOUND, STUDENT, ALONE])
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not re.search(r"(src|href)=|https?:|@import|url\(", page)
    assert make_page([FOUND, STUDENT, ALONE]) == page
    assert "Too few trials" in make_page([STUDENT])
    assert "Not reached: item vectors, teacher" in make_page([STUDENT])
