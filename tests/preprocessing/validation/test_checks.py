"""A broken promise stops the pipeline with what, where and how many; a check that fails is not bad data."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import PromiseError, UnavailableError
from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation import checks
from slmrec.preprocessing.validation.checks import usual_ratio
from slmrec.preprocessing.validation.drift import jensen_shannon
from slmrec.preprocessing.validation.profile import read_profile
from slmrec.stages import validate
from tests.support.logs import Event, Workshop, as_csv

DAY = 86_400
QUIET = {"validate__min_events": 10}


def some_days(days: int, first: int = 0) -> list[Event]:
    start = 1_700_000_000
    return [
        (
            f"user {place % 17}",
            f"item {(place * 7 + day) % 31}",
            start + (first + day) * DAY + place,
            1.0,
        )
        for day in range(days)
        for place in range(40)
    ]


def run(workshop: Workshop, **changes: Any) -> dict[str, Any]:
    """Validate; returns the result that is written."""
    workshop.set(**(QUIET | changes))
    validate.main(Path("events"), validation=Path("validation"), page=Path("page.html"))
    found: dict[str, Any] = json.loads(Path("validation/result.json").read_text())
    return found


@pytest.fixture(autouse=True)
def _prepared(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(some_days(50)))
    workshop.prepare()


def test_good_logs_keep_every_promise_and_twice_give_the_same_page(workshop: Workshop) -> None:
    found = run(workshop)
    assert all(promise["kept"] for promise in found["promises"]) and len(found["promises"]) >= 20
    page = Path("page.html").read_bytes()
    run(workshop)
    assert Path("page.html").read_bytes() == page


def test_the_page_loads_nothing_from_outside(workshop: Workshop) -> None:
    run(workshop)
    page = Path("page.html").read_text()
    assert "http" not in page and "<script" not in page and "<link" not in page


def month_file() -> Path:
    return min(Path("events/events").glob("*/*.parquet"))


def change_events(change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    change(pl.read_parquet(month_file())).select(tables.EVENTS.names()).cast(
        tables.EVENTS
    ).write_parquet(month_file())


def first_row(**values: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Change the first event."""
    here = pl.int_range(pl.len()) == 0
    return lambda table: table.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


DAMAGE: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "order": (lambda table: table.reverse(), "every event comes at or after the one before it"),
    "month": (
        first_row(time=datetime(2001, 1, 1, tzinfo=UTC)),
        "every event lies in the month its file names",
    ),
    "null": (first_row(weight=None), "no event lacks a user"),
    "user": (first_row(user_index=99), "every event's user is in the table of users"),
    "item": (first_row(item_index=99), "every event's item is in the table of items"),
    "pad": (first_row(item_index=0), "none is PAD or UNK"),
    "weight": (first_row(weight=-1.0), "every weight is a number"),
    "lost": (
        lambda table: table.tail(-1),
        "the table of items counts the events there are: 1 rows",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_events_break_the_promise_that_names_the_damage(
    workshop: Workshop, damage: str
) -> None:
    change, said = DAMAGE[damage]
    change_events(change)
    p = ValidateParams.read()
    profile = read_profile(Path("events"))
    broken = [name for name, count in vars(profile.violations).items() if count]
    sentences = [
        f"{checks.VIOLATIONS[name]}: {getattr(profile.violations, name)} rows" for name in broken
    ]
    assert any(said in sentence for sentence in sentences), sentences
    assert len(checks.checks_of(profile, p)) >= 20


def test_a_broken_promise_stops_with_what_where_and_how_many(workshop: Workshop) -> None:
    change_events(first_row(item_index=99))
    with pytest.raises(
        PromiseError, match=r"every event's item is in the table of items.*: 1 rows.*see page\.html"
    ) as stopped:
        run(workshop)
    assert "\n" not in str(stopped.value)
    assert "broken" in Path("page.html").read_text() and not Path("validation").exists()


def test_a_check_that_cannot_be_computed_is_not_called_bad_data(workshop: Workshop) -> None:
    with pytest.raises(UnavailableError, match="could not be checked"):
        run(workshop, validate__user_pattern="(")


def test_ids_of_another_form_are_told_with_examples(workshop: Workshop) -> None:
    with pytest.raises(
        PromiseError,
        match=r"user ids have the form they should: 17 of 17 users do not, such as 'user",
    ):
        run(workshop, validate__user_pattern="^[0-9]+$")


def previous_version(workshop: Workshop, events: list[Event]) -> None:
    """Prepare and validate other logs, and keep their index and profile as the previous version's."""
    run(workshop)
    index = Path("data/index")
    index.mkdir()
    (index / "items.parquet").write_bytes(Path("events/items.parquet").read_bytes())
    (index / "profile.json").write_bytes(Path("validation/profile.json").read_bytes())
    workshop.clear()
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()


def test_more_of_the_same_is_no_drift(workshop: Workshop) -> None:
    previous_version(workshop, some_days(60))
    found = run(workshop, validate__drift__action="stop")
    assert [shift["name"].split(":")[0] for shift in found["drift"]] == [
        "popularity",
        "history length",
        "events a day",
        "most popular items that were not among them before",
    ]


def test_other_items_are_drift_that_warns_or_stops_as_asked(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    previous_version(
        workshop,
        [(user, f"new {item}", time, weight) for user, item, time, weight in some_days(50)],
    )
    run(workshop, validate__max_new_item_share=1.0)
    assert (
        "drift, popularity: Jensen-Shannon distance: 1.000, allowed 0.3" in capsys.readouterr().err
    )
    with pytest.raises(PromiseError, match="Jensen-Shannon"):
        run(workshop, validate__max_new_item_share=1.0, validate__drift__action="stop")
    with pytest.raises(PromiseError, match="are not in the previous index: 1"):
        run(workshop)


def test_jensen_shannon_is_0_for_the_same_and_1_for_nothing_in_common() -> None:
    assert jensen_shannon({"a": 0.5, "b": 0.5}, {"b": 0.5, "a": 0.5}) == 0
    assert jensen_shannon({"a": 1.0}, {"b": 1.0}) == 1


def test_a_day_is_held_against_the_days_before_it() -> None:
    assert usual_ratio([10, 10, 20, 100]) == [1, 1, 2, 10]


def test_what_great_expectations_gets_does_not_grow_with_the_logs(workshop: Workshop) -> None:
    workshop.set(validate__sample=5)
    p = ValidateParams.read()
    given = checks.evidence(read_profile(Path("events")), Path("events"), p)
    assert {name: len(table) for name, table in given.items()} == {
        "facts": 1,
        "days": 50,
        "users": 5,
        "items": 5,
    }
