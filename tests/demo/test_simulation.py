"""Simulated logs are what they say they are, and their truth is within reach."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core.errors import UsageError
from slmrec.core.files import sha256_of_folder
from slmrec.demo.simulated_world import DAYS, TRUTH_DAYS, DayEvents, World, draw_day, make_world
from slmrec.demo.simulation import TOP, best_ndcg, events_by_day, simulate

USERS, EVENTS, SEED = 400, 40_000, 3


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    logs_dir = tmp_path_factory.mktemp("simulated") / "logs"
    simulate(USERS, EVENTS, SEED, logs_dir)
    return logs_dir


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(
    logs: Path, tmp_path: Path
) -> None:
    for seed in (SEED, SEED + 1):
        simulate(USERS, EVENTS, seed, tmp_path / str(seed))
    same, other = (sha256_of_folder(tmp_path / str(seed), "*") for seed in (SEED, SEED + 1))
    assert same == sha256_of_folder(logs, "*") != other


def test_there_are_as_many_events_as_asked_for_on_365_days(logs: Path) -> None:
    events = pl.read_parquet(logs / "events")
    assert len(events) == EVENTS and events["user_id"].n_unique() <= USERS
    days = events["timestamp"].to_numpy() // 86_400
    assert days.max() - days.min() == 364


def test_items_appear_during_the_year(logs: Path) -> None:
    events = pl.read_parquet(logs / "events")
    first = events.group_by("item_id").agg(pl.col("timestamp").min())["timestamp"].to_numpy()
    late = (first > first.min() + 180 * 86_400).mean()
    assert 0.05 < late < 0.4


def test_every_item_has_a_title_that_names_its_taste(logs: Path) -> None:
    items = pl.read_parquet(logs / "items" / "items.parquet")
    world = make_world(USERS, EVENTS, SEED)
    assert items["title"].to_list() == [
        f"Item {item} of taste {taste}" for item, taste in enumerate(world.item_taste.tolist())
    ]
    assert items["item_id"][7] == "item-0000007"


@pytest.mark.parametrize(("users", "events", "seed"), [(0, 400, 1), (9, 364, 1), (9, 400, -1)])
def test_numbers_that_are_too_small_are_told(
    tmp_path: Path, users: int, events: int, seed: int
) -> None:
    with pytest.raises(UsageError, match="expected at least 1 user, 365 events and seed 0"):
        simulate(users, events, seed, tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


def test_a_world_with_days_without_an_event_has_all_its_events(tmp_path: Path) -> None:
    simulate(20, 365, 1, tmp_path / "logs")
    counts = events_by_day(365)
    assert 0 in counts
    days = list((tmp_path / "logs" / "events").glob("date=*/events.parquet"))
    assert len(days) == sum(count > 0 for count in counts)
    assert sum(len(pl.read_parquet(day, hive_partitioning=False)) for day in days) == 365


def test_too_few_users_for_so_many_events_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ask for more users"):
        simulate(2, 100_000, 1, tmp_path / "logs")


def test_the_days_share_the_events_in_a_weekly_wave() -> None:
    counts = events_by_day(365_000)
    assert (len(counts), sum(counts)) == (365, 365_000)
    # Day 2 of a week is at sin(4 pi / 7) = 0.97, near the crest of 30%.
    assert counts[2] == pytest.approx(1000 * (1 + 0.3 * np.sin(4 * np.pi / 7)), abs=2)
    assert counts[9] == pytest.approx(counts[2], abs=2)  # a week later


def test_the_best_ndcg_is_the_gain_of_each_place_times_its_probability() -> None:
    world = make_world(20, 4000, 1)
    taste = int(world.user_taste[4])
    events = DayEvents(np.array([4]), np.array([0]), np.array([11]), np.array([0]))
    probabilities = np.sort(world.next_item_probabilities(30, taste, 11))[::-1]
    expected = sum(probabilities[place] / np.log2(place + 2) for place in range(10))
    assert best_ndcg(world, 30, events, events=5).tolist() == pytest.approx([expected])


def newest_events(world: World) -> Iterator[tuple[int, int, int, int, Counter[int]]]:
    """Day, user, last item, item, and what followed the last item before, of the newest days."""
    last_item = np.full(USERS, -1, dtype=np.int64)
    followers: dict[int, Counter[int]] = {}
    for day, count in enumerate(events_by_day(EVENTS)):
        drawn = draw_day(world, day, count, last_item)
        columns = (drawn.users.tolist(), drawn.last_items.tolist(), drawn.items.tolist())
        for user, before, item in zip(*columns, strict=True):
            counter = followers.setdefault(before, Counter())
            if day >= DAYS - TRUTH_DAYS:
                yield day, user, before, item, counter
            counter[item] += 1


def gain(ranking: list[int], item: int) -> float:
    """NDCG@10 of a ranking with one relevant item."""
    return float(1 / np.log2(ranking.index(item) + 2)) if item in ranking[:TOP] else 0.0


def test_the_best_ranking_reaches_the_truth_and_counting_approaches_it(logs: Path) -> None:
    world = make_world(USERS, EVENTS, SEED)
    best: list[float] = []
    counted: list[float] = []
    for day, user, before, item, counter in newest_events(world):
        taste = int(world.user_taste[user])
        probabilities = world.next_item_probabilities(day, taste, before)
        best.append(gain(np.argsort(-probabilities, kind="stable").tolist(), item))
        counted.append(gain([follower for follower, _ in counter.most_common(TOP)], item))
        if len(best) == 2_000:
            break
    truth = json.loads((logs / "truth.json").read_text())
    error = np.std(best) / np.sqrt(len(best))
    assert abs(np.mean(best) - truth["best_ndcg@10"]) < 4 * (error + truth["standard_error"])
    assert 0.6 * truth["best_ndcg@10"] < np.mean(counted) < truth["best_ndcg@10"]
