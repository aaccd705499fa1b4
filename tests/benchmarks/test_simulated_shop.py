"""The shop's year: days that arrive at their hour, and what an incident makes of one."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from benchmarks import simulated_shop
from benchmarks.simulated_shop import (
    PIECES,
    POISONED,
    RECYCLED,
    SETTINGS,
    TEN_TIMES,
    WARM_EPOCHS,
    Shop,
    ShopProject,
    date_of,
    name_of,
    spoiled,
)
from benchmarks.workspace import changed_params
from slmrec.core.errors import DataError

EVENTS = pl.DataFrame(
    {"user_id": ["u1", "u2", "u3"], "item_id": ["a", "b", "a"], "timestamp": [100, 200, 300]}
)
KNOWN = ["a", "b", "c", "d"]


def test_a_larger_day_holds_its_events_many_times() -> None:
    larger = spoiled(EVENTS, TEN_TIMES, KNOWN, seed=1)
    assert len(larger) == PIECES * len(EVENTS)
    assert set(larger["user_id"]) == set(EVENTS["user_id"])


def test_a_poisoned_day_has_as_many_events_of_known_items_at_the_same_times() -> None:
    many = pl.concat([EVENTS] * 20)
    poisoned = spoiled(many, POISONED, KNOWN, seed=1)
    assert poisoned["timestamp"].to_list() == many["timestamp"].to_list()
    assert set(poisoned["item_id"]) == set(KNOWN)
    assert poisoned.equals(spoiled(many, POISONED, KNOWN, seed=1))


def test_recycled_ids_are_each_another_item_throughout() -> None:
    recycled = spoiled(EVENTS, RECYCLED, KNOWN, seed=2)
    first, second, third = recycled["item_id"]
    assert first == third != second
    assert first != "a" or second != "b"


def test_a_day_arrives_at_its_hour_and_an_incident_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_shop, "USERS", 20)
    monkeypatch.setattr(simulated_shop, "EVENTS", 2000)
    shop = Shop(tmp_path)
    arrived = shop.landing / name_of(3)
    shop.deliver(3, TEN_TIMES)
    first, many = arrived.stat().st_mtime, len(pl.read_parquet(arrived))
    shop.deliver(3)
    assert many == PIECES * len(pl.read_parquet(arrived))
    at = datetime.fromtimestamp(arrived.stat().st_mtime, UTC)
    assert (at.date(), at.hour, at.minute) == (date_of(3), 23, 30)
    assert arrived.stat().st_mtime - first == 30 * 60


def test_the_settings_are_params_of_the_project() -> None:
    params = changed_params(SETTINGS | WARM_EPOCHS)
    assert params["embed_items"]["training"]["epochs"] == 2


def test_a_retraining_that_says_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = subprocess.CompletedProcess([], 1, "", "Traceback: no module")
    monkeypatch.setattr(subprocess, "run", lambda *_words, **_settings: ended)
    project = object.__new__(ShopProject)
    project.folder, project.shop = tmp_path, object.__new__(Shop)
    project.shop.landing = tmp_path
    with pytest.raises(DataError, match="said nothing of its end:\nTraceback: no module"):
        project.retrain(3)
