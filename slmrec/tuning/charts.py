"""The geometry of the page's charts: trials one after the other, and bars of importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slmrec.tuning.outcome import TrialRow

# Pixels: left of the points is the scale, below them are the numbers of trials.
WIDTH, HEIGHT = 640, 200
LEFT, BELOW, ABOVE, RIGHT = 54, 22, 12, 10
BAR_HEIGHT, BAR_LEFT = 22, 190  # of importance: a row, and where its bars begin
COLOURS = {
    "complete": "#3367b3",
    "fewer epochs": "#8fb1e0",
    "stopped early": "#c9ced6",
    "failed": "#b3261e",
}


@dataclass(frozen=True)
class Point:
    """A trial: where it is drawn, in which colour, and what it says."""

    x: float
    y: float
    colour: str
    label: str


@dataclass(frozen=True)
class History:
    """Trials as points, the best in full so far as a line, and the ends of both scales."""

    points: list[Point]
    line: str  # points of an SVG polyline
    low: float
    high: float
    last: int


@dataclass(frozen=True)
class Bar:
    """A setting's share."""

    name: str
    y: float
    width: float
    share: float


def history_chart(trials: Sequence[TrialRow]) -> History | None:
    """Validation of each trial, in their order; None where there is none."""
    values = [trial.value for trial in trials if trial.value is not None]
    if not values:
        return None
    low, high, epochs = min(values), max(values), max(trial.epochs for trial in trials)
    points: list[Point] = []
    best: list[tuple[float, float]] = []
    for place, trial in enumerate(trials):
        if trial.value is None:
            continue
        x, y = _x(place, len(trials)), _y(trial.value, low, high)
        shorter = trial.state == "complete" and trial.epochs < epochs
        state = "fewer epochs" if shorter else trial.state
        label = f"trial {place + 1}: {trial.value:.4f}, {state}, {trial.seconds:.0f} s"
        points.append(Point(x, y, COLOURS[state], label))
        if state == "complete":
            best.append((x, min([y, *(lower for _, lower in best)])))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in best)
    return History(points, line, low, high, len(trials))


def _x(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (place / (count - 1) if count > 1 else 0.5)


def _y(value: float, low: float, high: float) -> float:
    """Higher values are drawn higher; where all are alike, in the middle."""
    share = (value - low) / (high - low) if high > low else 0.5
    return ABOVE + (1 - share) * (HEIGHT - ABOVE - BELOW)


def importance_bars(importance: dict[str, float]) -> list[Bar]:
    """One bar a setting, in the given order."""
    scale = WIDTH - BAR_LEFT - 60  # room for the figure behind the longest bar
    return [
        Bar(name, place * BAR_HEIGHT, scale * share, share)
        for place, (name, share) in enumerate(importance.items())
    ]
