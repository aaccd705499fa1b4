"""Which column is the user and which the item."""

from __future__ import annotations

from slmrec.init.columns.user_item import Evidence, Pair, choose_pair
from tests.init.support import profile

ROWS = 240
USERS = [1 + number // 6 for number in range(ROWS)]  # 40 users, 6 events each
ITEMS = [500 + number * 7 % 60 for number in range(ROWS)]
TIMES = [float(number % 6 + number // 6 % 5) for number in range(ROWS)]


def pair_of(links: dict[str, float] | None = None, **columns: list[int] | list[str]) -> Pair:
    profiles = [profile(name, values) for name, values in columns.items()]
    found = choose_pair(Evidence(profiles, TIMES, links or {}, {}, False), None, None)
    assert found is not None
    return found


def test_histories_in_order_of_time_name_the_user_where_no_name_does() -> None:
    found = pair_of(a=ITEMS, b=USERS)

    assert (found.user.name, found.item.name) == ("b", "a")
    assert found.user.rivals == ()


def test_a_list_of_titles_names_the_item_where_no_name_does() -> None:
    shuffled = [USERS[number * 37 % ROWS] for number in range(ROWS)]

    found = pair_of({"a": 1.0}, a=ITEMS, b=shuffled)

    assert (found.user.name, found.item.name) == ("b", "a")


def test_names_decide_between_equals() -> None:
    shuffled = [USERS[number * 37 % ROWS] for number in range(ROWS)]

    found = pair_of(product=ITEMS, visitor=shuffled)

    assert (found.user.name, found.item.name) == ("visitor", "product")
    assert found.user.rivals == found.item.rivals == ()


def test_two_columns_that_could_be_either_are_rivals() -> None:
    shuffled = [USERS[number * 37 % ROWS] for number in range(ROWS)]

    found = pair_of(a=shuffled, b=[item % 40 for item in ITEMS])

    assert found.user.rivals == (found.item.name,)


def test_a_number_of_the_row_a_kind_and_a_category_are_no_items() -> None:
    rows, kinds = list(range(9_000, 9_000 + ROWS)), [number % 3 for number in range(ROWS)]
    categories = [item % 12 for item in ITEMS]

    found = pair_of(a=rows, b=USERS, c=kinds, d=categories, e=ITEMS)

    assert (found.user.name, found.item.name) == ("b", "e")


def test_what_a_person_said_stays() -> None:
    profiles = [profile("user", USERS), profile("item", ITEMS), profile("c", ITEMS[::-1])]

    found = choose_pair(Evidence(profiles, TIMES, {}, {}, False), None, "c")

    assert found is not None
    assert (found.user.name, found.item.name) == ("user", "c")
