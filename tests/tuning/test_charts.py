"""Charts draw better trials higher, and a line that never falls."""

from __future__ import annotations

from dataclasses import replace

from slmrec.tuning.charts import (
    ABOVE,
    BELOW,
    COLOURS,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    history_chart,
    importance_bars,
)
from slmrec.tuning.outcome import TrialRow


def row(value: float | None, state: str = "complete") -> TrialRow:
    return TrialRow(0, 2, state, value, 3.0, "search", {}, "")


def test_trials_lie_between_the_ends_of_their_scale() -> None:
    trials = [row(0.2), row(0.1, "stopped early"), row(None, "failed"), row(0.4), row(0.3)]
    chart = history_chart(trials)
    assert chart is not None
    assert [point.x for point in chart.points][::3] == [LEFT, WIDTH - RIGHT]
    assert (chart.low, chart.high, chart.last) == (0.1, 0.4, 5)
    heights = [point.y for point in chart.points]
    assert heights[1] == HEIGHT - BELOW and heights[2] == ABOVE  # .1 and .4
    assert chart.points[1].colour == COLOURS["stopped early"]
    assert chart.points[1].label == "trial 2: 0.1000, stopped early, 3 s"
    best = [float(pair.split(",")[1]) for pair in chart.line.split(" ")]
    assert best == [round(heights[0], 1), ABOVE, ABOVE]  # .2, then .4, which .3 is below


def test_trials_of_fewer_epochs_are_drawn_apart_and_are_no_part_of_the_line() -> None:
    chart = history_chart([row(0.2), replace(row(0.4), epochs=1), row(0.3)])
    assert chart is not None
    assert chart.points[1].colour == COLOURS["fewer epochs"]
    assert len(chart.line.split(" ")) == 2


def test_trials_that_are_all_alike_or_alone_are_drawn_in_the_middle() -> None:
    chart = history_chart([row(0.2)])
    assert chart is not None
    assert chart.points[0].x == (LEFT + WIDTH - RIGHT) / 2
    assert chart.points[0].y == (ABOVE + HEIGHT - BELOW) / 2
    assert history_chart([row(None, "failed")]) is None


def test_a_bar_is_as_long_as_its_share() -> None:
    first, second = importance_bars({"a.rate": 0.75, "a.width": 0.25})
    assert first.width == 3 * second.width
    assert second.y > first.y
