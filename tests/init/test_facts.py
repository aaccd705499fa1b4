"""Whether titles are used."""

from __future__ import annotations

from slmrec.init.facts import Extras
from tests.init.support import NOTHING, facts


def test_titles_are_used_where_they_help_and_can_be_read() -> None:
    assert facts().uses_text
    assert not facts(extras=NOTHING).uses_text
    assert facts(extras=NOTHING).text_would_help


def test_dense_logs_and_few_titles_do_without_them() -> None:
    assert not facts(events=12_086 * 50).text_would_help
    assert not facts(titled=0.4).text_would_help


def test_what_is_installed_is_seen() -> None:
    assert isinstance(Extras.installed().text, bool)
