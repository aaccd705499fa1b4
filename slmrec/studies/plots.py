"""Pictures of studies as SVG: panels with lines, means with their range, or a matrix of shades.

Drawn with matplotlib, which is imported only when a picture is written. The same values and the
same matplotlib give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrec.core.errors import UnavailableError
from slmrec.core.files import new_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float]
Panel = Callable[["Axes"], None]  # draws on axes
PANEL_SIZE = (5.2, 3.4)  # inches
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "text.parse_math": False,  # a $ in a name is a dollar
    "svg.fonttype": "none",  # text stays text, which can be searched and copied
    "svg.hashsalt": "slmrec",  # ids within the file would be random otherwise
}


def require_matplotlib() -> None:
    """Raise UnavailableError where matplotlib is missing; to be called before any training."""
    if find_spec("matplotlib") is None:
        raise UnavailableError(
            "pictures need matplotlib, which is not installed; pip install 'slmrec[studies]'"
        )


def write_picture(path: Path, panels: Sequence[Panel]) -> None:
    """Write panels side by side, two a row."""
    require_matplotlib()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever a person's own matplotlibrc says
        matplotlib.rcParams.update(STYLE)
        picture = _drawn(panels)
        with new_file(path) as temporary:
            picture.savefig(temporary, format="svg", metadata={"Date": None})


def _drawn(panels: Sequence[Panel]) -> Figure:
    from matplotlib import figure

    rows = -(-len(panels) // 2)
    size = (2 * PANEL_SIZE[0], rows * PANEL_SIZE[1])
    picture = figure.Figure(figsize=size, layout="constrained")
    for axes, panel in zip_longest(picture.subplots(rows, 2, squeeze=False).flat, panels):
        panel(axes) if panel else axes.set_axis_off()
    return picture


def lines_panel(
    title: str, x_name: str, series: Mapping[str, Sequence[Point]], levels: Mapping[str, float]
) -> Panel:
    """Series of points joined by lines, and named levels to compare them with."""

    def draw(axes: Axes) -> None:
        axes.set_title(title, loc="left")
        axes.set_xlabel(x_name)
        for name, points in series.items():
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
        for name, level in levels.items():
            _draw_level(axes, name, level)
        axes.legend()

    return draw


def _draw_level(axes: Axes, name: str, level: float) -> None:
    axes.axhline(level, color="grey", linestyle="dashed", linewidth=1)
    _write(axes, name, 1.0, level, ha="right", va="bottom")


def range_panel(title: str, rows: Mapping[str, tuple[float, float, float]]) -> Panel:
    """Named rows of a mean, the least and the greatest value."""

    def draw(axes: Axes) -> None:
        axes.set_title(title, loc="left")
        axes.set_yticks(range(len(rows)), list(rows))
        axes.invert_yaxis()
        axes.locator_params(axis="x", nbins=5)
        for place, (mean, least, greatest) in enumerate(rows.values()):
            axes.plot([least, greatest], [place, place], color="C0", linewidth=2)
            axes.plot(mean, place, color="C0", marker="o")
            _write(axes, f"{mean:.4f}", 1.01, place, ha="left", va="center")

    return draw


def matrix_panel(title: str, values: Sequence[Sequence[float]]) -> Panel:
    """A square matrix of values from 0 (white) to 1 (dark), its first row on top."""

    def draw(axes: Axes) -> None:
        axes.set_title(title, loc="left")
        mesh = axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=1)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.figure.colorbar(mesh, ax=axes)

    return draw


def _write(axes: Axes, text: str, share: float, y: float, ha: str, va: str) -> None:
    """Write text at a share of the axes' width and at a value of y."""
    axes.text(share, y, text, ha=ha, va=va, transform=axes.get_yaxis_transform())
