"""Simulated logs are what they say they are, and their truth is within reach."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core.errors import UsageError
from slmrec.core.files import sha256_of_folder
from slmrec.demo import simulation
from slmrec.demo.simulation import chances, draw_day, make_world, simulate

USERS, EVENTS = 400, 40_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "logs"
    simulate(USERS, EVENTS, 3, out)
    return out


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(
    logs: Path, tmp_path: Path
) -> None:
    for seed in (3, 4):
        simulate(USERS, EVENTS, seed, tmp_path / str(seed))
    assert (
        sha256_of_folder(tmp_path / "3", "*")
        == sha256_of_folder(logs, "*")
        != sha256_of_folder(tmp_path / "4", "*")
    )


def test_there_are_as_many_events_as_asked_for_on_365_days(logs: Path) -> None:
    events = pl.read_parquet(logs / "events")
    assert len(events) == EVENTS and events["user_id"].n_unique() <= USERS
    assert events["timestamp"].max() // 86_400 - events["timestamp"].min() // 86_400 == 364  # type: ignore[operator]


def test_items_appear_during_the_year(logs: Path) -> None:
    first = (
        pl.read_parquet(logs / "events")
        .group_by("item_id")
        .agg(pl.col("timestamp").min())["timestamp"]
    )
    late = (first > first.min() + 180 * 86_400).mean()  # type: ignore[operator]
    assert 0.05 < late < 0.4  # type: ignore[operator]


def test_too_few_users_for_so_many_events_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ask for more users"):
        simulate(2, 100_000, 1, tmp_path / "logs")


def gain(ranking: np.ndarray, item: int) -> float:
    place = np.flatnonzero(ranking[: simulation.TOP] == item)
    return float(1 / np.log2(place[0] + 2)) if len(place) else 0.0


def test_the_best_ranking_reaches_the_truth_and_counting_approaches_it(logs: Path) -> None:
    world = make_world(USERS, EVENTS, 3)
    last = np.full(USERS, -1, dtype=np.int64)
    pairs: dict[int, Counter[int]] = {}
    best: list[float] = []
    counted: list[float] = []
    for day, count in enumerate(simulation._events_by_day(EVENTS)):
        drawn = draw_day(world, day, count, last)
        newest = day >= simulation.DAYS - simulation.TRUTH_DAYS
        for user, before, item in zip(
            drawn.users.tolist(), drawn.before.tolist(), drawn.items.tolist(), strict=True
        ):
            if newest and len(best) < 2_000:
                best.append(
                    gain(
                        np.argsort(
                            -chances(world, day, int(world.user_taste[user]), before), kind="stable"
                        ),
                        item,
                    )
                )
                counted.append(
                    gain(
                        np.array(
                            [
                                found
                                for found, _ in pairs.get(before, Counter()).most_common(
                                    simulation.TOP
                                )
                            ]
                        ),
                        item,
                    )
                )
            pairs.setdefault(before, Counter())[item] += 1
    truth = json.loads((logs / "truth.json").read_text())
    error = np.std(best) / np.sqrt(len(best))
    assert abs(np.mean(best) - truth["best_ndcg@10"]) < 4 * (error + truth["standard_error"])
    assert 0.6 * truth["best_ndcg@10"] < np.mean(counted) < truth["best_ndcg@10"]
