"""Weights, types, and titles beside the events."""

from __future__ import annotations

from slmrec.init.columns.attributes import (
    choose_type,
    choose_weight,
    negative_weight,
    title_beside_events,
)
from tests.init.support import profile

ROWS = 120
USER = profile("1", [number // 6 for number in range(ROWS)])
ITEM = profile("2", [number * 7 % 31 for number in range(ROWS)])
STARS = profile("3", [number * 11 % 5 + 1 for number in range(ROWS)])
CATEGORY = profile("4", [number * 7 % 31 % 4 for number in range(ROWS)])


def test_a_weight_is_known_by_its_name_and_prices_are_none() -> None:
    columns = [profile("price", [1, 2, 3]), profile("rating", [1, 2, 3])]

    assert choose_weight(columns, [], named=True) == "rating"
    assert choose_weight(columns[:1], [], named=True) is None


def test_without_names_a_single_column_of_ratings_is_the_weight_and_a_category_is_not() -> None:
    assert choose_weight([STARS, CATEGORY], [USER, ITEM], named=False) == "3"
    assert choose_weight([CATEGORY], [USER, ITEM], named=False) is None


def test_a_quantity_with_returns_is_no_weight_and_is_named() -> None:
    columns = [profile("quantity", [1, -2, 3])]

    assert choose_weight(columns, [], named=True) is None
    assert negative_weight(columns, []) == "quantity"


def test_types_are_few_words_by_name_or_as_actions_are_called() -> None:
    assert choose_type([profile("event", ["view", "cart", "view"])]) == "event"
    assert choose_type([profile("4", ["pv", "buy", "cart", "fav"])]) == "4"
    assert choose_type([profile("4", ["red", "blue", "red"])]) is None


def test_a_text_that_each_item_has_to_itself_names_the_items() -> None:
    names = profile("6", [f"Silver River {value}" for value in ITEM.present])
    reviews = profile("7", [f"Nice one {number}" for number in range(ROWS)])

    assert title_beside_events(ITEM, [USER, ITEM, reviews, names], ["1", "2"]) == "6"
    assert title_beside_events(ITEM, [USER, ITEM, reviews], ["1", "2"]) is None
