"""Bars stand where they should, and as high."""

from __future__ import annotations

import pytest

from slmrec.preprocessing.validation import charts
from slmrec.preprocessing.validation.charts import BELOW, HEIGHT, LEFT, WIDTH, bar_chart, charts_of
from slmrec.preprocessing.validation.profile import LENGTH_BOUNDS
from tests.support.profiles import PROFILE


def test_the_highest_bar_fills_the_height_and_the_others_their_share() -> None:
    chart = bar_chart("caption", ["a", "b", "c", "d"], [1, 4, 0, 2])
    assert chart.top == 4
    full = HEIGHT - BELOW - charts.ABOVE
    assert [bar.height for bar in chart.bars] == [full / 4, full, 0, full / 2]
    for bar in chart.bars:
        assert bar.y + bar.height == HEIGHT - BELOW, "it stands on the axis"
    pitch = (WIDTH - LEFT) / 4
    assert [bar.x for bar in chart.bars] == [LEFT + place * pitch for place in range(4)]
    assert [bar.label for bar in chart.bars] == ["a", "b", "c", "d"]


def test_the_first_middle_and_last_bar_have_a_label_or_all_of_them() -> None:
    labels = list("abcde")
    assert [tick.label for tick in bar_chart("", labels, [1] * 5).ticks] == ["a", "c", "e"]
    every = bar_chart("", labels, [1] * 5, every_label=True).ticks
    assert [tick.label for tick in every] == labels
    assert every[0].x == LEFT + (WIDTH - LEFT) / 5 / 2, "centred below its bar"
    assert [tick.label for tick in bar_chart("", ["a"], [1]).ticks] == ["a"]


def test_neighbours_are_joined_to_their_mean_where_more_than_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(charts, "MOST_BARS", 2)
    chart = bar_chart("", list("abcde"), [1, 2, 3, 4, 6])
    # 5 values in groups of 3: the means of 1, 2, 3 and of 4, 6
    assert [(bar.label, bar.value) for bar in chart.bars] == [("a", 2), ("d", 5)]


def test_bars_of_nothing_have_no_height() -> None:
    assert [bar.height for bar in bar_chart("", ["a", "b"], [0, 0]).bars] == [0, 0]


def test_a_profile_gives_five_charts() -> None:
    daily, users, items, lengths, popularity = charts_of(PROFILE)
    assert daily.caption == "events a day" and [bar.value for bar in daily.bars] == [400, 800]
    assert [bar.value for bar in users.bars] == [15, 5]
    assert [bar.value for bar in items.bars] == [2, 1]
    assert [bar.label for bar in lengths.bars][:4] == ["1", "2", "3-4", "5-9"]
    assert lengths.bars[-1].label == "1000+" and len(lengths.ticks) == len(LENGTH_BOUNDS)
    assert [(bar.label, bar.value) for bar in popularity.bars] == [("1", 50), ("2", 25), ("3", 25)]
