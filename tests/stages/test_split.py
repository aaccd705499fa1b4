"""split: cuts mean what they say on small logs, and logs that give nothing are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError, UsageError
from slmrec.dataset.histories import read_histories
from slmrec.stages.split import check_counts
from tests.support.logs import DAY, START, Workshop, as_csv


def prepare_days(workshop: Workshop, users: dict[str, list[int]]) -> None:
    """Events of users at these days after START, each of a new item."""
    events = [
        (user, f"{user} {place}", START + day * DAY, 1.0)
        for user, days in users.items()
        for place, day in enumerate(days)
    ]
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()


def test_the_tables_have_their_schemas_and_the_summary_counts_them(workshop: Workshop) -> None:
    prepare_days(workshop, {"ann": list(range(10)), "bob": [0, 9]})
    summary = workshop.split()
    counts = {}
    for name in ("targets", "windows"):
        schema = getattr(tables, name.upper())
        counts[name] = len(tables.read_table(Path("histories") / f"{name}.parquet", schema))
    assert counts["targets"] == summary["valid_targets"] + summary["test_targets"]
    assert counts["windows"] == summary["windows"]
    assert (summary["users"], summary["events"], summary["method"]) == (2, 12, "temporal")
    # the newest 30% of 12 events are 4: days 7, 8, 9 and 9; the newest 20% are 2, both of day 9
    assert summary["valid_from_us"] == (START + 7 * DAY) * 1_000_000
    assert summary["test_from_us"] == (START + 9 * DAY) * 1_000_000
    assert (summary["valid_targets"], summary["test_targets"]) == (2, 2)
    assert not (Path("histories") / "scratch").exists()


def test_leave_one_out_has_no_cuts(workshop: Workshop) -> None:
    workshop.set(split__method="leave_one_out")
    prepare_days(workshop, {"ann": list(range(5)), "bob": [0, 9]})
    summary = workshop.split()
    assert "valid_from_us" not in summary and "test_from_us" not in summary
    assert (summary["valid_targets"], summary["test_targets"], summary["windows"]) == (1, 1, 2)


def test_users_who_appear_after_the_cut_and_days_without_events(workshop: Workshop) -> None:
    workshop.set(split__valid_from="12d", split__test_from="5d")
    prepare_days(workshop, {"old": [0, 1, 90], "new": [95, 96], "once": [93]})
    summary = workshop.split()
    # valid: nothing predictable before day 91; old 90 >= 96 - 12 = 84; test from 91: new 96 from
    # 95; new 95 and once 93 have no history
    assert (summary["valid_targets"], summary["test_targets"]) == (1, 1)
    assert summary["targets_without_history"] == 2
    assert summary["users"] == 3


def test_ties_at_the_cut_stay_together(workshop: Workshop) -> None:
    workshop.set(split__valid_from="70%", split__test_from="50%")
    prepare_days(workshop, {"a": [0, 0, 1, 2, 2, 2, 3], "b": [0, 0, 1, 2, 2, 2, 3]})
    summary = workshop.split()
    # the newest half of 14 events begins within the six of day 2: all six are targets, and the two
    # of day 3
    assert summary["test_targets"] == 8 and summary["valid_targets"] == 2
    histories = read_histories(Path("histories"))
    assert set(histories.targets["test"].input_stop.tolist()) == {3, 6}


@pytest.mark.parametrize(
    ("valid_from", "test_from", "message"),
    [
        ("2000-01-01", "20%", "nothing to train on"),
        ("20%", "2090-01-01T00:00:00Z", "nothing to test on"),
        ("400d", "1d", "nothing to train on"),
        ("0%", "0%", "nothing to test on"),
    ],
)
def test_a_cut_outside_the_data_is_told(
    workshop: Workshop, valid_from: str, test_from: str, message: str
) -> None:
    workshop.set(split__valid_from=valid_from, split__test_from=test_from)
    prepare_days(workshop, {"ann": [0, 1, 2, 3]})
    with pytest.raises(DataError, match=message):
        workshop.split()


def test_cuts_in_the_wrong_order_or_of_no_form_are_told(workshop: Workshop) -> None:
    prepare_days(workshop, {"ann": [0, 1, 2, 3]})
    for valid_from, test_from in (("20%", "60%"), ("soon", "20%")):
        workshop.set(split__valid_from=valid_from, split__test_from=test_from)
        with pytest.raises(UsageError, match=r"after split\.test_from|is not an ISO 8601 time"):
            workshop.split()


@pytest.mark.parametrize("method", ["temporal", "leave_one_out"])
def test_one_user_and_users_with_one_event_are_no_fault(workshop: Workshop, method: str) -> None:
    workshop.set(split__method=method)
    prepare_days(workshop, {"ann": list(range(10))})
    assert workshop.split()["users"] == 1
    workshop.clear()
    prepare_days(workshop, {"ann": list(range(10)), "bob": [0], "eve": [9]})
    assert workshop.split()["users"] == 3
    assert len(read_histories(Path("histories")).items) == 12


@pytest.mark.parametrize("method", ["temporal", "leave_one_out"])
def test_users_with_one_event_alone_are_told_and_nothing_is_written(
    workshop: Workshop, method: str
) -> None:
    workshop.set(split__method=method)
    prepare_days(workshop, {f"user {number}": [number] for number in range(10)})
    with pytest.raises(
        DataError, match="10 users with 10 events give no windows; bring users with more events"
    ):
        workshop.split()
    assert not Path("histories").exists()


def test_no_event_at_all_is_told(workshop: Workshop) -> None:
    Path("events/events").mkdir(parents=True)
    with pytest.raises(DataError, match="holds no event"):
        workshop.split()


@pytest.mark.parametrize("missing", ["windows", "valid_targets", "test_targets"])
def test_what_is_missing_is_named(missing: str) -> None:
    counts = {"users": 2, "events": 9, "windows": 1, "valid_targets": 1, "test_targets": 1}
    check_counts(counts)
    with pytest.raises(DataError, match=f"give no {missing.replace('_', ' ')}; bring users"):
        check_counts(counts | {missing: 0})
