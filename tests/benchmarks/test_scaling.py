"""Growth is compared with what linear growth would be."""

from __future__ import annotations

import pytest

from benchmarks import scaling
from benchmarks.scaling import USUAL, epoch_seconds, growth_over_linear, measure


def test_growth_is_one_when_time_grows_as_much_as_what_is_varied() -> None:
    linear = [{"users": 10.0, "seconds": 1.0}, {"users": 40.0, "seconds": 4.0}]
    assert growth_over_linear(linear) == pytest.approx(1)
    square = [{"length": 10.0, "seconds": 1.0}, {"length": 40.0, "seconds": 16.0}]
    assert growth_over_linear(square) == pytest.approx(16 / 4)


def test_a_point_changes_what_it_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[dict[str, int]] = []

    def stand_in(**shape: int) -> float:
        shapes.append(shape)
        return float(shape["users"])

    monkeypatch.setattr(scaling, "epoch_seconds", stand_in)
    curve = measure([{"users": 100}, {"users": 200}])
    assert shapes == [USUAL | {"users": 100}, USUAL | {"users": 200}]
    assert curve["points"] == [{"users": 100, "seconds": 100.0}, {"users": 200, "seconds": 200.0}]
    assert curve["growth_over_linear"] == pytest.approx(1)


def test_a_small_epoch_takes_some_processor_time() -> None:
    assert epoch_seconds(users=20, length=4, window=4, items=30) > 0
