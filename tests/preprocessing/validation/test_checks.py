"""The table of checks: complete, shipped with the code, and filled in from the params."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest

from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.validation.checks import TABLE, Check, checks_of
from slmrec.preprocessing.validation.event_scan import Violations
from tests.support.logs import params
from tests.support.profiles import PROFILE
from tests.support.project import ROOT


def settings(**changes: Any) -> ValidateParams:
    return ValidateParams.model_validate(params(**changes)["validate"])


def by_column(checks: list[Check]) -> dict[str, Check]:
    return {check.column: check for check in checks}


def test_every_violation_has_a_check_that_allows_none() -> None:
    checks = by_column(checks_of(PROFILE, settings()))
    for field in fields(Violations):
        assert checks[field.name].table == "facts"
        assert checks[field.name].arguments == {"min_value": 0, "max_value": 0}


def test_sentences_and_arguments_say_what_the_params_do() -> None:
    p = settings(
        validate__min_events=7,
        validate__max_single_event_users=0.25,
        validate__max_unusual_days=0.2,
        validate__max_volume_ratio=2.5,
        validate__user_pattern="^u",
    )
    checks = by_column(checks_of(PROFILE, p))
    assert checks["events"].sentence == "there are at least 7 events"
    assert checks["events"].arguments == {"min_value": 7}
    assert checks["single_event_users"].sentence == "at most 25% of users have one event"
    assert checks["single_event_users"].arguments == {"min_value": 0, "max_value": 0.25}
    assert checks["ratio"].sentence == (
        "on at least 80% of days there are at most 2.5 times the usual events"
    )
    assert checks["ratio"].arguments == {"max_value": 2.5, "mostly": 0.8}
    assert checks["user"].arguments == {"regex": "^u"}
    last_us = parse_time("2023-11-16T00:00:00Z")
    assert checks["first_us"].arguments == {"max_value": last_us}


def test_a_params_field_that_bounds_something_is_used_by_a_check() -> None:
    text = TABLE.read_text()
    # usual days are those that are not unusual; the others are no bounds
    others = {"sample", "drift", "max_unusual_days"}
    unused = [name for name in ValidateParams.model_fields if name not in text]
    assert set(unused) == others


@pytest.mark.parametrize(("share", "count"), [(None, 22), (0.1, 23)])
def test_new_items_are_checked_where_there_is_a_previous_index(
    share: float | None, count: int
) -> None:
    checks = checks_of(replace(PROFILE, new_item_share=share), settings())
    assert len(checks) == count
    assert ("new_item_share" in by_column(checks)) == (share is not None)


def test_new_days_are_checked_where_there_are_any_unless_they_are_not_to_be() -> None:
    row = {"day": "2023-11-16", "volume_ratio": 1.0, "more_new_users": 0.0}
    profile = replace(PROFILE, new_days=[row])
    bounds = {"max_volume_ratio": 5, "max_more_new": 0.25, "max_more_surprise": 0.5}
    checks = by_column(checks_of(profile, settings(validate__new_days=bounds)))
    assert checks["volume_ratio"].arguments == {"max_value": 5}
    assert checks["more_new_users"].arguments == {"max_value": 0.25}
    assert checks["more_new_items"].arguments == {"max_value": 0.25}
    assert checks["more_surprise"].arguments == {"max_value": 0.5}
    assert "more than 0.5 bits" in checks["more_surprise"].sentence
    for none in (
        checks_of(PROFILE, settings()),
        checks_of(profile, settings(validate__new_days=None)),
    ):
        assert "new_days" not in {check.table for check in none}


def test_no_sentence_is_said_twice_or_left_with_a_placeholder() -> None:
    checks = checks_of(replace(PROFILE, new_item_share=0.1), settings())
    sentences = Counter(check.sentence for check in checks)
    assert max(sentences.values()) == 1
    assert not [sentence for sentence in sentences if "{" in sentence or "\n" in sentence]


def test_the_files_beside_the_code_are_shipped_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    package = "slmrec.preprocessing.validation"
    shipped = project["tool"]["setuptools"]["package-data"][package]
    files = {path.name for path in TABLE.parent.iterdir() if path.is_file()}
    assert set(shipped) == {name for name in files if not name.endswith(".py")}
