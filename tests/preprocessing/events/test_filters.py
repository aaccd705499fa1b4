"""Rules that look at more than one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slmrec.core.tables import DAY_US
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events import filters
from slmrec.preprocessing.events.filters import RULES, EventArrays
from tests.support.logs import DAY, START, Workshop, as_csv, params


def arrays(users: list[int], items: list[int], days: list[int] | None = None) -> EventArrays:
    return EventArrays(
        users=np.array(users, dtype=np.uint32),
        items=np.array(items, dtype=np.uint32),
        days=np.array(days or [0] * len(users), dtype=np.int32),
    )


def rules(**changes: Any) -> PrepareParams:
    return PrepareParams.model_validate(params(**changes)["prepare"])


def removals(events: EventArrays, p: PrepareParams) -> list[str]:
    return [RULES[rule] for rule in filters.apply_rules(events, p)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repeats", "first"),
        ("min_user_events", 2),
        ("min_item_events", 2),
        ("max_history", 1),
        ("max_events_per_day", 1),
    ],
)
def test_each_rule_is_one_and_by_default_there_is_none(key: str, value: object) -> None:
    assert not filters.has_rules(rules())
    assert filters.has_rules(rules(**{f"prepare__{key}": value}))


def test_days_are_counted_from_1970_downwards_too() -> None:
    us = np.array([0, DAY_US - 1, DAY_US, -1])
    assert filters.days_of(us).tolist() == [0, 0, 1, -1]


def test_rules_are_applied_in_order_and_an_event_has_the_first_that_removes_it() -> None:
    # user 0: a bot (3 events a day); user 1: item 7 twice, then too long; user 2: one event alone
    events = arrays([0, 0, 0, 1, 1, 1, 1, 2], [5, 6, 7, 7, 7, 8, 9, 9], [0, 0, 0, 0, 1, 2, 3, 0])
    p = rules(
        prepare__max_events_per_day=2,
        prepare__repeats="collapse",
        prepare__min_user_events=2,
        prepare__max_history=2,
    )
    assert removals(events, p) == [
        *["bot"] * 3,
        "beyond longest history",
        "repeat",
        *["kept"] * 2,
        "user below k-core",
    ]


def test_a_user_is_a_bot_by_its_busiest_day() -> None:
    events = arrays([0, 0, 1, 1, 0], [0, 1, 0, 1, 2], [4, 4, 4, 5, 9])
    assert filters.bots(events, 1).tolist() == [True, True, False, False, True]
    assert not filters.bots(events, 2).any()


@pytest.mark.parametrize(
    ("first_only", "repeated"),
    [(False, [False, False, True, False, False]), (True, [False, False, True, False, True])],
)
def test_repeats_are_those_of_the_same_user(first_only: bool, repeated: list[bool]) -> None:
    # in total order user 0 sees 7, 7, 8, 7 and user 1 sees 7
    events = arrays([0, 1, 0, 0, 0], [7, 7, 7, 8, 7])
    assert filters.repeats(events.users, events.items, first_only).tolist() == repeated


def test_the_oldest_events_of_a_long_history_are_too_old() -> None:
    users = np.array([3, 1, 3, 3, 1])
    assert filters.too_old(users, 2).tolist() == [True, False, False, False, False]
    assert filters.too_old(users, 1).tolist() == [True, True, True, False, False]


def test_k_core_is_repeated_until_nothing_falls_below(workshop: Workshop) -> None:
    # c has 2 events until item 3 falls (1 user), then 1; then item 2 has 1 left; what stays is a
    # and b on items 0 and 1
    pairs = [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("c", 2), ("c", 3), ("a", 2)]
    events = [(user, f"item {item}", START + place, 1) for place, (user, item) in enumerate(pairs)]
    workshop.set(prepare__min_user_events=2, prepare__min_item_events=2)
    workshop.deliver("all.csv", as_csv(events))
    counts = workshop.prepare()
    assert counts["events"] == 4 and set(workshop.events()["user"]) == {"a", "b"}
    assert counts["left_out"] == {"item below k-core": 2, "user below k-core": 1}


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_after_k_core_nobody_is_below(pairs: list[tuple[int, int]], users: int, items: int) -> None:
    removed_by = np.zeros(len(pairs), dtype=np.uint8)
    sides = np.array(pairs, dtype=np.uint32).reshape(-1, 2)
    days = np.zeros(len(pairs), dtype=np.int32)
    filters.k_core(EventArrays(sides[:, 0], sides[:, 1], days), removed_by, users, items)
    kept_rows = sides[removed_by == filters.KEPT]
    for column, minimum in ((0, users), (1, items)):
        counts = np.unique(kept_rows[:, column], return_counts=True)[1]
        assert all(count >= minimum for count in counts)


@pytest.mark.parametrize(
    ("repeats", "left"), [("keep", "xxyxx"), ("collapse", "xyx"), ("first", "xy")]
)
def test_repeats_are_kept_collapsed_or_only_the_first(
    workshop: Workshop, repeats: str, left: str
) -> None:
    workshop.set(prepare__repeats=repeats)
    events = [("ann", item, START + place, 1) for place, item in enumerate("xxyxx")]
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()
    assert "".join(workshop.events()["item"]) == left


def test_the_longest_history_keeps_the_newest(workshop: Workshop) -> None:
    workshop.set(prepare__max_history=2)
    events = [("ann", item, START + place, 1) for place, item in enumerate("vwxyz")]
    workshop.deliver("all.csv", as_csv(events))
    workshop.prepare()
    assert "".join(workshop.events()["item"]) == "yz"


def test_a_bot_is_set_aside_whole_even_on_its_quiet_days(workshop: Workshop) -> None:
    workshop.set(prepare__max_events_per_day=3)
    busy = [("bot", f"item {place}", START + place, 1) for place in range(4)]
    quiet = [("bot", "item 9", START + 9 * DAY, 1)]
    others = [("ann", f"item {place}", START + place, 1) for place in range(3)]
    workshop.deliver("all.csv", as_csv([*busy, *quiet, *others]))
    assert workshop.prepare()["left_out"] == {"bot": 5}
    rows = workshop.quarantine()
    assert rows["row"].to_list() == [1, 2, 3, 4, 5] and set(rows["file"]) == {"logs/all.csv"}
