"""Runs, counters, and columns that determine others."""

from __future__ import annotations

from slmrec.init.columns.relations import (
    contained,
    counts_up,
    determines,
    first_values,
    is_sorted,
    run_length,
    sorted_in_runs,
)

USERS = [f"u{number // 4}" for number in range(48)]  # 12 users, 4 events each


def test_a_file_grouped_by_a_column_has_long_runs_of_it() -> None:
    assert run_length(USERS) == 4.0
    assert run_length(["a", "b", "a", "b"]) == 1.0


def test_histories_are_sorted_in_runs_whichever_way_they_are_written() -> None:
    rising = [float(number % 4) for number in range(48)]

    assert sorted_in_runs(USERS, rising) == 1.0
    assert sorted_in_runs(USERS, [-value for value in rising]) == 1.0
    assert sorted_in_runs(USERS, [0.0, 2.0, 1.0, 3.0] * 12) == 2 / 3
    assert not is_sorted(rising)
    assert is_sorted([1.0, 2.0, 2.0, 3.0])


def test_an_item_determines_its_category_and_not_its_user() -> None:
    items = [f"i{number % 12}" for number in range(48)]
    categories = [f"c{number % 12 % 3}" for number in range(48)]

    assert determines(items, categories) == 1.0
    assert determines(categories, items) == 0.0  # 3 categories are too few to conclude from
    assert determines(items, USERS) == 0.0


def test_a_count_of_a_users_orders_goes_up_by_one_with_ties() -> None:
    numbers: list[float | None] = [1.0, 1.0, 2.0, 3.0] * 12

    assert counts_up(USERS, numbers) == 1.0
    assert counts_up(USERS, [1.0, 3.0, 5.0, 9.0] * 12) == 0.0
    assert first_values(USERS, numbers) == {1.0: 12}


def test_the_share_of_values_that_others_have() -> None:
    assert contained({"a", "b"}, {"b", "c"}) == 0.5
    assert contained(set(), {"a"}) == 0.0
