"""What was found, in the words of params.yaml."""

from __future__ import annotations

from pathlib import Path

from slmrec.init.answers import Answers
from slmrec.init.findings import inspect
from slmrec.init.source_settings import source_settings
from tests.init.layouts import shops


def test_events_without_a_list_of_items_have_none(tmp_path: Path) -> None:
    shops.events_alone(tmp_path)

    settings = source_settings(inspect(tmp_path, Answers()))

    assert settings["prepare.items"] is None
    assert settings["prepare.events"]["files"] == ["clicks.csv"]
    assert settings["prepare.keep_types"] == []
    assert settings["prepare.min_weight"] is None
