"""validate: a broken promise stops the pipeline; a check that cannot run is not bad data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import PromiseError, UnavailableError
from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.drift import Shift
from slmrec.preprocessing.validation.suite import CheckResult
from slmrec.stages.validate import judge
from tests.support.logs import DAY, START, Event, Workshop, as_csv, params

PAGE = Path("page.html")
KEPT = CheckResult("it holds", True, "3", None)
BROKEN = CheckResult("it holds", False, "3 rows do not", None)
FAILED = CheckResult("it holds", False, "could not be checked", "no such metric")


def some_days(days: int) -> list[Event]:
    return [
        (f"user {place % 17}", f"item {(place * 7 + day) % 31}", START + day * DAY + place, 1.0)
        for day in range(days)
        for place in range(40)
    ]


def validate(workshop: Workshop, **changes: Any) -> dict[str, Any]:
    """Validate with these changes of params; returns result.json."""
    workshop.set(validate__min_events=10, **changes)
    return workshop.validate()


def drift_params(action: str) -> ValidateParams:
    return ValidateParams.model_validate(params(validate__drift__action=action)["validate"])


def change_first_event(**values: Any) -> None:
    path = min(Path("events/events").glob("*/*.parquet"))
    is_first = pl.int_range(pl.len()) == 0
    table = pl.read_parquet(path, hive_partitioning=False).with_columns(
        pl.when(is_first).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
    table.cast(tables.EVENTS).write_parquet(path)


@pytest.fixture
def prepared(workshop: Workshop) -> Workshop:
    """Fifty days of good logs, prepared."""
    workshop.deliver("all.csv", as_csv(some_days(50)))
    workshop.prepare()
    return workshop


def test_what_passed_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    judge([KEPT], [Shift("popularity", 0.3, 0.3)], drift_params("stop"), PAGE)
    judge([KEPT], None, drift_params("stop"), PAGE)
    assert capsys.readouterr().err == ""


def test_a_check_that_could_not_run_counts_before_a_broken_one() -> None:
    with pytest.raises(UnavailableError, match=r"could not be checked \(no such metric\).*page"):
        judge([BROKEN, FAILED], None, drift_params("warn"), PAGE)


@pytest.mark.parametrize(("action", "broken"), [("warn", 1), ("stop", 2)])
def test_drift_warns_or_counts_as_broken(
    action: str, broken: int, capsys: pytest.CaptureFixture[str]
) -> None:
    shifts = [Shift("popularity", 0.31, 0.3), Shift("volume", 1.0, 3.0)]
    with pytest.raises(PromiseError, match=f"{broken} broken: it holds: 3 rows do not"):
        judge([KEPT, BROKEN], shifts, drift_params(action), PAGE)
    warning = "validate: drift, popularity: 0.310, allowed 0.3\n"
    assert capsys.readouterr().err == (warning if action == "warn" else "")


def test_good_logs_keep_every_promise_and_twice_give_the_same_page(prepared: Workshop) -> None:
    result = validate(prepared)
    assert all(promise["kept"] for promise in result["promises"])
    assert len(result["promises"]) >= 20 and result["drift"] is None
    assert set(result["promises"][0]) == {"sentence", "kept", "found", "error"}
    profile = json.loads(Path("validation/profile.json").read_text())
    assert profile["events"] == 2000
    page = PAGE.read_bytes()
    validate(prepared)
    assert PAGE.read_bytes() == page


def test_a_broken_promise_stops_with_what_where_and_how_many(prepared: Workshop) -> None:
    change_first_event(item_index=99)
    with pytest.raises(PromiseError) as stopped:
        validate(prepared)
    message = str(stopped.value)
    assert "every event's item is in the table of items, and none is PAD or UNK: 1 rows" in message
    assert "see page.html" in message and "\n" not in message
    assert "broken" in PAGE.read_text() and not Path("validation").exists()


def test_a_check_that_cannot_be_computed_is_not_called_bad_data(prepared: Workshop) -> None:
    with pytest.raises(UnavailableError, match="could not be checked"):
        validate(prepared, validate__user_pattern="(")
    assert ">?</td>" in PAGE.read_text()


def test_ids_of_another_form_are_told_with_examples(prepared: Workshop) -> None:
    message = r"user ids have the form they should: 17 of 17 users do not, such as 'user"
    with pytest.raises(PromiseError, match=message):
        validate(prepared, validate__user_pattern="^[0-9]+$")


def become_previous(workshop: Workshop, events: list[Event]) -> None:
    """Make the logs of `workshop` the previous version's, and prepare these events instead."""
    validate(workshop)
    index = Path("data/index")
    index.mkdir()
    (index / "items.parquet").write_bytes(Path("events/items.parquet").read_bytes())
    (index / "profile.json").write_bytes(Path("validation/profile.json").read_bytes())
    workshop.clear()
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()


def test_more_of_the_same_is_no_drift(prepared: Workshop) -> None:
    become_previous(prepared, some_days(60))
    result = validate(prepared, validate__drift__action="stop")
    assert [shift["name"].split(":")[0] for shift in result["drift"]] == [
        "popularity",
        "history length",
        "events a day",
        "most popular items that were not among them before",
    ]
    assert set(result["drift"][0]) == {"name", "found", "allowed"}
    sentences = [promise["sentence"] for promise in result["promises"]]
    assert "at most 30% of items are not in the previous index" in sentences


def test_a_new_day_beyond_what_its_weeks_allow_stops_and_is_named(prepared: Workshop) -> None:
    newest = [
        (f"user {place % 17}", f"item {place % 31}", START + 50 * DAY + place, 1.0)
        for place in range(400)
    ]
    become_previous(prepared, [*some_days(50), *newest])
    sentence = "each new day has at most 5 times the usual events"
    with pytest.raises(PromiseError, match=f"{sentence}: 1 of 1 new days do not, such as 2024-01-"):
        validate(prepared)
    assert sentence in PAGE.read_text()
    result = validate(prepared, validate__new_days=None)
    assert not [promise for promise in result["promises"] if "new day" in promise["sentence"]]


def test_other_items_are_drift_that_warns_or_stops_as_asked(
    prepared: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [(user, f"new {item}", time, weight) for user, item, time, weight in some_days(50)]
    become_previous(prepared, events)
    validate(prepared, validate__max_new_item_share=1.0)
    warning = "drift, popularity: Jensen-Shannon distance: 1.000, allowed 0.3"
    assert warning in capsys.readouterr().err
    with pytest.raises(PromiseError, match="Jensen-Shannon"):
        validate(prepared, validate__max_new_item_share=1.0, validate__drift__action="stop")
    with pytest.raises(PromiseError, match="are not in the previous index: 1"):
        validate(prepared)
