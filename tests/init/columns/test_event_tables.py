"""Tables read as events, and what a person says of them."""

from __future__ import annotations

import pytest

from slmrec.core.errors import UsageError
from slmrec.init.answers import Answers
from slmrec.init.columns.event_tables import EventRoles, read_as_events, repeats_lists
from tests.init.support import table

ROWS = 120
SECONDS = [1_400_000_000 + 86_400 * number * 11 % 10**8 for number in range(ROWS)]
LOG = table(
    "log.csv",
    user=[number // 6 for number in range(ROWS)],
    item=[number * 7 % 31 for number in range(ROWS)],
    when=SECONDS,
    stars=[number % 5 + 1 for number in range(ROWS)],
    step=[number % 6 for number in range(ROWS)],
)


def read(answers: Answers) -> EventRoles:
    roles = read_as_events(LOG, [], answers)
    assert roles is not None
    return roles


def test_each_column_gets_its_role_and_a_clock_needs_no_sequence() -> None:
    roles = read(Answers())

    assert roles.time is not None
    assert (roles.user.name, roles.item.name, roles.time.name) == ("user", "item", "when")
    assert (roles.time_format, roles.weight, roles.sequence) == ("epoch_s", "stars", None)
    assert roles.taken == {"user", "item", "when", "stars"}


def test_without_the_clock_the_step_orders_events() -> None:
    roles = read(Answers(time="none", weight="none"))

    assert (roles.time, roles.time_format, roles.weight) == (None, None, None)
    assert roles.sequence is not None
    assert roles.sequence.name == "step"


def test_answers_count_more_than_what_was_found() -> None:
    roles = read(Answers(item="step", time_format="%Y", sequence="stars"))

    assert roles.sequence is not None
    assert (roles.item.name, roles.time_format, roles.sequence.name) == ("step", "%Y", "stars")


@pytest.mark.parametrize("answers", [Answers(user="visitor"), Answers(time="at")])
def test_a_column_that_is_not_there_is_named_with_those_that_are(answers: Answers) -> None:
    with pytest.raises(UsageError, match=r"log.csv has the columns user, item, when"):
        read(answers)


def test_a_list_that_comes_again_in_each_row_of_a_user_repeats_its_events() -> None:
    users = [number // 6 for number in range(ROWS)]
    again = [f"N{user} N{user + 1} N{user + 2}" for user in users]
    fresh = [f"N{number % 30} N{number % 30 + 1} N{number % 7}" for number in range(ROWS)]

    for lists, repeated in ((again, True), (fresh, False)):
        log = table("log.csv", user=users, history=lists, when=SECONDS)
        roles = read_as_events(log, [], Answers(item="history"))
        assert roles is not None
        assert repeats_lists(roles) == repeated


def test_a_table_of_one_id_is_no_events() -> None:
    assert (
        read_as_events(table("kinds.csv", kind=["a", "b"], count=[1.5, 2.5]), [], Answers()) is None
    )
