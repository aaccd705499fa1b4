"""The geometry of bar charts; the page draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slmrec.preprocessing.validation.profile import LENGTH_BOUNDS, Profile

# Pixels: left of the bars is the scale, below them are the labels, above them is air.
WIDTH, HEIGHT = 640, 150
LEFT, BELOW, ABOVE = 44, 20, 10
GAP, THINNEST = 1.0, 0.6  # between bars; of a bar
MOST_BARS = 160  # of a chart; more values are joined
DAILY_COUNTS = ("events", "new_users", "new_items")


@dataclass(frozen=True)
class Bar:
    """A rectangle, and the label and value that it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: float


@dataclass(frozen=True)
class Tick:
    """A label below the bars, centred at x."""

    x: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Bars above an axis at HEIGHT - BELOW; `top` is the value at the top of the scale."""

    caption: str
    bars: list[Bar]
    ticks: list[Tick]
    top: float


def charts_of(profile: Profile) -> list[Chart]:
    """What happened by day, the lengths of histories, and the popularity of items."""
    days = [day["day"] for day in profile.days]
    charts = []
    for name in DAILY_COUNTS:
        caption = f"{name.replace('_', ' ')} a day"
        charts.append(bar_chart(caption, days, [day[name] for day in profile.days]))
    lengths = bar_chart(
        "users by length of their history", _length_classes(), profile.lengths, every_label=True
    )
    shares = [100 * share for share in profile.popularity.values()]
    popularity = bar_chart(
        "percent of events of the most popular items, most popular first",
        [str(place) for place in range(1, len(shares) + 1)],
        shares,
    )
    return [*charts, lengths, popularity]


def _length_classes() -> list[str]:
    """Names of the classes of LENGTH_BOUNDS: "1", "3-4", "1000+"."""
    last = [bound - 1 for bound in LENGTH_BOUNDS[1:]]
    closed = [
        str(low) if low == high else f"{low}-{high}"
        for low, high in zip(LENGTH_BOUNDS, last, strict=False)
    ]
    return [*closed, f"{LENGTH_BOUNDS[-1]}+"]


def bar_chart(
    caption: str, labels: list[str], values: Sequence[float], every_label: bool = False
) -> Chart:
    """A chart of values. Neighbours are joined to their mean where there are more than fit."""
    step = -(-len(values) // MOST_BARS)
    joined = [values[place : place + step] for place in range(0, len(values), step)]
    means = [sum(group) / len(group) for group in joined]
    names = labels[::step]
    top = max(max(means), 1e-9)
    pitch = (WIDTH - LEFT) / len(means)
    bars = [
        _bar(LEFT + place * pitch, pitch, mean / top, name, mean)
        for place, (name, mean) in enumerate(zip(names, means, strict=True))
    ]
    places = range(len(names)) if every_label else sorted({0, len(names) // 2, len(names) - 1})
    ticks = [Tick(LEFT + (place + 0.5) * pitch, names[place]) for place in places]
    return Chart(caption, bars, ticks, top)


def _bar(x: float, pitch: float, share: float, label: str, value: float) -> Bar:
    """A bar that reaches up to a share of the height."""
    height = share * (HEIGHT - BELOW - ABOVE)
    return Bar(x, HEIGHT - BELOW - height, max(pitch - GAP, THINNEST), height, label, value)
