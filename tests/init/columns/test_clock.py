"""Times, counters, and the column that orders events."""

from __future__ import annotations

import pytest

from slmrec.init.columns.clock import (
    Columns,
    choose_finer_sequence,
    choose_sequence,
    choose_time,
    is_counter,
    ties_share,
    time_numbers,
)
from tests.init.support import profile

ROWS = 120
USER = profile("user", [number // 6 for number in range(ROWS)])  # 20 users, 6 events each
ITEM = profile("item", [number * 7 % 31 for number in range(ROWS)])
SECONDS = [1_400_000_000 + 86_400 * number * 11 % 10**8 for number in range(ROWS)]


def columns(**others: list[int] | list[str]) -> Columns:
    made = [profile(name, values) for name, values in others.items()]
    return Columns([USER, ITEM, *made], USER, ITEM)


def test_the_finer_of_two_times_is_taken_and_the_other_is_no_rival() -> None:
    days = ["2014-05-13"] * ROWS

    found = choose_time(columns(a=days, b=SECONDS))

    assert found is not None
    assert found.name == "b"


def test_a_birthday_and_a_release_are_not_the_events_time() -> None:
    days = [f"2014-{1 + number % 12:02d}-{1 + number * 7 % 28:02d}" for number in range(ROWS)]
    birthdays = [500 * 86_400 * 5 + 10**9 + number // 6 for number in range(ROWS)]
    releases = [10**9 + number * 7 % 31 for number in range(ROWS)]

    for other in (birthdays, releases):  # finer than a day, but the user's or the item's
        chosen = choose_time(columns(a=other, b=days))
        assert chosen is not None
        assert chosen.name == "b"


def test_two_times_far_apart_are_rivals() -> None:
    later = [second + 10**7 + second % 997 for second in SECONDS]

    found = choose_time(columns(a=SECONDS, b=later))

    assert found is not None
    assert len(found.rivals) == 1


def test_seconds_that_only_count_are_no_clock() -> None:
    steps = profile("t", [10**9 + number % 6 for number in range(ROWS)])

    assert is_counter(steps, USER)
    assert not is_counter(profile("t", SECONDS), USER)


def test_where_there_is_no_clock_the_count_of_orders_orders_and_not_that_of_the_basket() -> None:
    orders = [number % 6 // 2 + 1 for number in range(ROWS)]
    places = [number % 2 + 1 for number in range(ROWS)]

    found = choose_sequence(columns(order_number=orders, add_to_cart_order=places), False)

    assert found is not None
    assert (found.name, found.rivals) == ("order_number", ())


def test_places_in_a_basket_order_the_events_of_one_order() -> None:
    orders = [number % 6 // 2 + 1 for number in range(ROWS)]
    places = [number % 2 + 1 for number in range(ROWS)]
    table = columns(order_number=orders, add_to_cart_order=places, position=SECONDS)

    assert choose_finer_sequence(table, table.profiles[2]) == "add_to_cart_order"
    assert choose_finer_sequence(columns(order_number=orders), table.profiles[2]) is None


def test_ratings_do_not_order_events() -> None:
    ratings = [number * 7 % 5 + 1 for number in range(ROWS)]

    assert choose_sequence(columns(rating=ratings), False) is None
    assert choose_sequence(columns(a=ratings), False) is None


def test_ties_are_events_of_one_user_at_one_time() -> None:
    days = profile("t", [1_400_000_000 + number % 6 // 2 * 86_400 for number in range(ROWS)])

    assert ties_share(USER, time_numbers(days)) == 1.0
    assert ties_share(USER, time_numbers(profile("t", SECONDS))) == pytest.approx(0.0)
