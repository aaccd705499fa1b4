"""The simulated world: its probabilities are those by which its events are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.demo.simulated_world import (
    DAYS,
    LONGEST_SESSION,
    OWN_TASTE,
    STEP,
    SUCCESSORS,
    TASTES,
    World,
    draw_day,
    make_world,
)

USERS, DAY = 3000, 200


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(USERS, events=50_000, seed=5)


def no_last_item() -> np.ndarray:
    return np.full(USERS, -1, dtype=np.int64)


def test_the_catalogue_grows_with_the_root_of_the_events_and_has_every_taste(world: World) -> None:
    assert len(world.item_taste) == round(5 * 50_000**0.5)
    assert len(make_world(USERS, 365, 5).item_taste) == 20 * TASTES  # never fewer
    assert set(world.item_taste.tolist()) == set(range(TASTES))


def test_the_items_of_a_taste_share_its_draws_and_unborn_ones_have_none(world: World) -> None:
    shares = world.shares(period=10)
    by_taste = np.bincount(world.item_taste, shares)
    np.testing.assert_allclose(by_taste, 1.0)
    assert (shares[world.item_born > 10 * 5] == 0).all()


def test_an_items_next_items_are_of_its_taste_and_no_younger(world: World) -> None:
    assert (world.item_taste[world.successors] == world.item_taste[:, None]).all()
    assert (world.item_born[world.successors] <= world.item_born[:, None]).all()


def test_probabilities_sum_to_one(world: World) -> None:
    for last_item in (-1, 0, 17):
        assert world.next_item_probabilities(DAY, 3, last_item).sum() == pytest.approx(1)


def test_own_taste_and_next_items_have_the_shares_they_should(world: World) -> None:
    first = world.next_item_probabilities(DAY, taste=3, last_item=-1)
    own = first[world.item_taste == 3].sum()
    assert own == pytest.approx(OWN_TASTE + (1 - OWN_TASTE) / TASTES)
    last_item = int(np.flatnonzero(world.item_taste == 5)[-1])  # next items of another taste
    chances = world.next_item_probabilities(DAY, taste=3, last_item=last_item) - (1 - STEP) * first
    for item, share in zip(world.successors[last_item], SUCCESSORS, strict=True):
        assert chances[item] >= STEP * share - 1e-12
    assert chances.sum() == pytest.approx(STEP)


def test_events_are_drawn_by_the_probabilities(world: World) -> None:
    drawn = draw_day(world, DAY, 5000, no_last_item())
    taste = world.user_taste[drawn.users]
    probabilities = np.array(
        [
            world.next_item_probabilities(DAY, *pair)
            for pair in zip(taste.tolist(), drawn.last_items.tolist(), strict=True)
        ]
    )  # (N, I)
    expected, counts = probabilities.sum(axis=0), np.bincount(drawn.items, minlength=1118)
    assert (counts[expected == 0] == 0).all()
    # A count of n events varies by about the root of n.
    expected_by_taste = np.bincount(world.item_taste, expected)
    counts_by_taste = np.bincount(world.item_taste, counts)
    assert (np.abs(counts_by_taste - expected_by_taste) < 5 * np.sqrt(expected_by_taste)).all()
    own = (probabilities * (world.item_taste == taste[:, None])).sum(axis=1)  # (N,)
    own_count = (world.item_taste[drawn.items] == taste).sum()
    assert abs(own_count - own.sum()) < 5 * np.sqrt((own * (1 - own)).sum())


def test_a_day_has_as_many_events_as_asked_for_in_order_of_time_within_the_day(
    world: World,
) -> None:
    drawn = draw_day(world, DAY, 7000, no_last_item())
    assert len(drawn.users) == len(drawn.items) == 7000
    assert (np.diff(drawn.seconds) >= 0).all()
    assert len(set((drawn.seconds // 86_400).tolist())) == 1


def test_a_user_comes_once_a_day_for_a_session_of_bounded_length(world: World) -> None:
    drawn = draw_day(world, DAY, 2000, no_last_item())
    assert np.bincount(drawn.users).max() <= LONGEST_SESSION
    for user in np.unique(drawn.users).tolist():
        items = drawn.items[drawn.users == user]
        before = drawn.last_items[drawn.users == user]
        assert before.tolist() == [-1, *items[:-1].tolist()]  # one session, no other in between


def test_the_last_items_move_on_from_day_to_day(world: World) -> None:
    last_item = no_last_item()
    first = draw_day(world, DAY, 2000, last_item)
    newest = dict(zip(first.users.tolist(), first.items.tolist(), strict=True))
    assert all(last_item[user] == item for user, item in newest.items())
    second = draw_day(world, DAY + 1, 2000, last_item.copy())
    starts = dict(zip(second.users.tolist()[::-1], second.last_items.tolist()[::-1], strict=True))
    assert all(starts[user] == newest.get(user, -1) for user in starts)


def test_users_and_items_come_only_once_they_are_born(world: World) -> None:
    for day in (0, DAYS // 2):
        drawn = draw_day(world, day, 1000, no_last_item())
        assert (world.user_born[drawn.users] <= day).all()
        assert (world.item_born[drawn.items] <= day).all()
