"""The table of rules, and the page that tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from slmrec.init.params_writer import render
from slmrec.init.sizing import RULES, sized_settings
from slmrec.params.params_file import Params
from tests.init.support import BEAUTY, EVERYTHING, NOTHING, SCRATCH, STEAM, facts
from tests.support.project import ROOT

PAGE = (ROOT / "docs" / "settings.md").read_text()
LLM = replace(SCRATCH, pretrained=True)


@pytest.mark.parametrize(
    "case",
    [
        facts(BEAUTY, LLM),
        facts(STEAM, LLM),
        facts(BEAUTY, extras=NOTHING, titles=False, clock=False),
        facts(events=3_000, items=40, users=300, lengths=(3, 4, 6, 8, 9), titles=False),
        facts(events=90_000_000, items=700_000, users=9_000_000, extras=EVERYTHING),
        facts(plan=replace(SCRATCH, members=0, teacher_layers=4, epochs=0.15)),
    ],
)
def test_settings_of_any_logs_are_valid_params(case: Any) -> None:
    text = render((ROOT / "params.yaml").read_text(), sized_settings(case), [])

    Params.model_validate(YAML(typ="safe").load(text))


def test_no_two_rules_give_one_setting() -> None:
    names = [name for rule in RULES for name in rule.settings(facts())]

    assert len(names) == len(set(names))


def test_every_rule_shows_settings_that_it_gives_and_says_why() -> None:
    for rule in RULES:
        line = rule.line(facts())
        assert set(rule.shown) <= set(rule.settings(facts()))
        assert line.startswith(f"{rule.name}: ")
        assert line.endswith(")")


def test_the_page_tells_every_rule_and_its_measurement() -> None:
    for rule in RULES:
        assert f"| {rule.name} |" in PAGE
        assert rule.measured in PAGE
