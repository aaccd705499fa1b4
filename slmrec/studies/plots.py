"""Pictures of studies as SVG: panels with lines, points with their spread, or a matrix of shades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from slmrec.core.files import new_file

WIDTH, HEIGHT, MARGIN = 460, 300, 56  # of a panel, in pixels
COLOURS = ("#1f6fb4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a", "#66a61e")
Point = tuple[float, float]


def write_picture(path: Path, panels: Sequence[str]) -> None:
    """Write panels side by side, two a row."""
    rows = -(-len(panels) // 2)
    placed = [
        f'<g transform="translate({place % 2 * WIDTH},{place // 2 * HEIGHT})">{panel}</g>'
        for place, panel in enumerate(panels)
    ]
    size = f'width="{2 * WIDTH}" height="{rows * HEIGHT}"'
    style = "<style>text{font:11px sans-serif;fill:#333}.title{font-weight:bold}</style>"
    with new_file(path) as temporary:
        temporary.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}<rect width="100%" height="100%" fill="white"/>'
            + "".join(placed)
            + "</svg>\n"
        )


def lines_panel(
    title: str, x_name: str, series: Mapping[str, Sequence[Point]], levels: Mapping[str, float]
) -> str:
    """Series of points joined by lines, and named levels to compare them with."""
    points = [point for line in series.values() for point in line]
    frame = _Frame([x for x, _ in points], [y for _, y in points] + list(levels.values()))
    parts = [frame.axes(title, x_name)]
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in line)
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts += [
            f'<circle cx="{frame.x(x):.1f}" cy="{frame.y(y):.1f}" r="2.5" fill="{colour}"/>'
            for x, y in line
        ]
        parts.append(
            f'<text x="{MARGIN + 8}" y="{MARGIN - 18 + 13 * number}" style="fill:{colour}">{escape(name)}</text>'
        )
    for name, y in levels.items():
        at = frame.y(y)
        parts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - 16}" y1="{at:.1f}" y2="{at:.1f}" stroke="#888" stroke-dasharray="4 3"/>'
        )
        parts.append(
            f'<text x="{WIDTH - 18}" y="{at - 4:.1f}" text-anchor="end">{escape(name)}</text>'
        )
    return "".join(parts)


def spread_panel(title: str, rows: Mapping[str, tuple[float, float, float]]) -> str:
    """A named mean a row with its lowest and highest value."""
    low, high = min(each[1] for each in rows.values()), max(each[2] for each in rows.values())
    span, left = max(high - low, 1e-9), 190
    parts = [f'<text class="title" x="12" y="20">{escape(title)}</text>']
    for number, (name, (mean, lowest, highest)) in enumerate(rows.items()):
        y = 44 + number * (HEIGHT - 60) / max(len(rows), 1)
        a, b, middle = (
            left + (value - low) / span * (WIDTH - left - 60) for value in (lowest, highest, mean)
        )
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(name)}</text>'
        )
        parts.append(
            f'<line x1="{a:.1f}" x2="{b:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{COLOURS[0]}" stroke-width="2"/>'
        )
        parts.append(f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="4" fill="{COLOURS[0]}"/>')
        parts.append(f'<text x="{WIDTH - 8}" y="{y + 4:.1f}" text-anchor="end">{mean:.4f}</text>')
    return "".join(parts)


def matrix_panel(title: str, values: Sequence[Sequence[float]]) -> str:
    """A square matrix of values from 0 (white) to 1 (dark)."""
    side = (HEIGHT - MARGIN - 20) / len(values)
    parts = [f'<text class="title" x="12" y="20">{escape(title)}</text>']
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            shade = round(255 * (1 - min(max(value, 0.0), 1.0)))
            place = f'x="{MARGIN + column * side:.1f}" y="{34 + row * side:.1f}" width="{side:.1f}" height="{side:.1f}"'
            parts.append(
                f'<rect {place} fill="rgb({shade},{shade},255)"><title>{row} {column}: {value:.3f}</title></rect>'
            )
    return "".join(parts)


class _Frame:
    """From values to pixels of one panel."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float]) -> None:
        self.left, self.right = min(xs), max(xs)
        self.low, self.high = min(ys), max(ys)

    def x(self, value: float) -> float:
        return MARGIN + (value - self.left) / ((self.right - self.left) or 1) * (
            WIDTH - MARGIN - 24
        )

    def y(self, value: float) -> float:
        return (
            HEIGHT
            - 36
            - (value - self.low) / ((self.high - self.low) or 1) * (HEIGHT - MARGIN - 36)
        )

    def axes(self, title: str, x_name: str) -> str:
        bottom = HEIGHT - 36
        texts = [f'<text class="title" x="12" y="20">{escape(title)}</text>']
        texts.append(f'<line x1="{MARGIN}" x2="{MARGIN}" y1="30" y2="{bottom}" stroke="#333"/>')
        texts.append(
            f'<line x1="{MARGIN}" x2="{WIDTH - 16}" y1="{bottom}" y2="{bottom}" stroke="#333"/>'
        )
        for value in (self.low, (self.low + self.high) / 2, self.high):
            texts.append(
                f'<text x="{MARGIN - 5}" y="{self.y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>'
            )
        for value in (self.left, self.right):
            texts.append(
                f'<text x="{self.x(value):.1f}" y="{bottom + 14}" text-anchor="middle">{value:g}</text>'
            )
        texts.append(
            f'<text x="{WIDTH / 2}" y="{bottom + 26}" text-anchor="middle">{escape(x_name)}</text>'
        )
        return "".join(texts)
