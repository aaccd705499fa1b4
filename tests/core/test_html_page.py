"""Templates of pages: escaped, and strict about what they are given."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from slmrec.core.html_page import page_template


def test_text_is_escaped_and_lines_of_blocks_leave_none_behind(tmp_path: Path) -> None:
    path = tmp_path / "page.html.jinja"
    path.write_text("{% for word in words %}\n<b>{{ word }}</b>\n{% endfor %}\n")
    page = page_template(path).render(words=["<img>", "a&b"])
    assert page == "<b>&lt;img&gt;</b>\n<b>a&amp;b</b>\n"


def test_a_name_that_is_not_given_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "page.html.jinja"
    path.write_text("{{ missing }}")
    with pytest.raises(UndefinedError, match="'missing' is undefined"):
        page_template(path).render()
