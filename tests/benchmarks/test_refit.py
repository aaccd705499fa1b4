"""Both projects retrain on the same days, one of them again, and what is there stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks import refit
from benchmarks.refit import AGAIN, ONCE, run
from slmrec.core.files import read_json


class FakeShop:
    """Days of one user's events."""

    def __init__(self, _work_dir: Path) -> None:
        self.delivered: list[int] = []

    def deliver(self, day: int) -> None:
        self.delivered.append(day)

    def events(self, day: int) -> pl.DataFrame:
        return pl.DataFrame({"user_id": ["u"], "item_id": [f"i{day}"]})


def test_a_day_is_retrained_once_and_again_and_not_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, tuple[str, ...]]] = []

    def retrained(name: str, day: int, *options: str) -> dict[str, Any]:
        asked.append((name, day, options))
        return {"published": True}

    monkeypatch.setattr(refit, "Shop", FakeShop)
    monkeypatch.setattr(refit, "ShopProject", lambda folder, _shop, _first: folder.name)
    monkeypatch.setattr(refit, "retrained", retrained)
    monkeypatch.setattr(refit, "bundle_of", lambda name: name)
    monkeypatch.setattr(refit, "ndcg", lambda name, _histories, _targets: float(name == AGAIN))
    first = run(tmp_path, first=3, days=1, cuts="2d,1d")
    assert asked == [(ONCE, 3, ()), (AGAIN, 3, ("--refit", "2d,1d"))]
    assert first[0]["ndcg@10"] == {ONCE: 0.0, AGAIN: 1.0} and first[0]["targets"] == 1
    rows = run(tmp_path, first=3, days=2, cuts="2d,1d")
    assert [day for _name, day, _options in asked] == [3, 3, 4, 4]
    assert rows == read_json(tmp_path / "rows.json")["rows"] and rows[0] == first[0]
