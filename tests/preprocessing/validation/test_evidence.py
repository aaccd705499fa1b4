"""What Great Expectations gets is small, and holds what the checks look at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.evidence import collect_evidence, facts_of, usual_ratio
from slmrec.preprocessing.validation.profile import read_profile
from tests.support.logs import Workshop
from tests.support.profiles import PROFILE


def test_a_day_is_compared_with_the_days_before_it() -> None:
    # before the third day the median is 10, before the fourth it is 10 too
    assert usual_ratio([10, 10, 20, 100]) == [1, 1, 2, 10]


def test_a_day_is_compared_with_recent_days_alone_and_with_at_least_one_event() -> None:
    assert usual_ratio([1000] * 40 + [10] * 28 + [20])[-1] == 2
    assert usual_ratio([0, 0, 5]) == [0, 0, 5]


@pytest.mark.parametrize("share", [None, 0.25])
def test_facts_are_the_numbers_that_there_are(share: float | None) -> None:
    facts = facts_of(replace(PROFILE, new_item_share=share))
    assert facts["events"] == 1200 and facts["out_of_order"] == 0
    assert facts.get("new_item_share") == share
    assert not {"days", "popularity", "first_time", "violations"} & facts.keys()


def test_what_great_expectations_gets_does_not_grow_with_the_logs(workshop: Workshop) -> None:
    workshop.deliver_days(range(50))
    workshop.prepare()
    workshop.set(validate__sample=5)
    profile = read_profile(Path("events"))
    assert profile.users > 10 and profile.items > 10
    evidence = collect_evidence(profile, Path("events"), ValidateParams.read())
    assert {name: len(table) for name, table in evidence.items()} == {
        "facts": 1,
        "days": 50,
        "users": 5,  # every fourth of 17
        "items": 5,
    }
    assert evidence["days"]["ratio"].to_list() == [1] * 50
    assert evidence["items"].columns == ["item", "first_us"]
