"""Pictures are readable SVG, the same bytes each time; a missing matplotlib is named."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import pytest

from slmrec.core.errors import UnavailableError
from slmrec.studies.plots import (
    Panel,
    lines_panel,
    matrix_panel,
    range_panel,
    require_matplotlib,
    write_picture,
)

PANELS = [
    lines_panel("Quality", "layers", {"retrained": [(1, 0.2), (4, 0.3)]}, {"SASRec": 0.25}),
    range_panel("Test", {"ranking only": (0.21234, 0.1, 0.3)}),
    matrix_panel("Similarity", [[1.0, 0.5], [0.5, 1.0]]),
]


def texts(path: Path) -> list[str]:
    """Every text of a picture."""
    elements = ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(element.itertext()) for element in elements]


def test_every_panel_has_its_title_and_names_what_it_shows(tmp_path: Path) -> None:
    write_picture(tmp_path / "p.svg", PANELS)
    expected = {"Quality", "layers", "retrained", "SASRec", "Test", "ranking only", "Similarity"}
    assert expected <= set(texts(tmp_path / "p.svg"))
    assert "0.2123" in texts(tmp_path / "p.svg")  # the mean, beside its range


@pytest.mark.parametrize("panels", [PANELS, PANELS[:1], [*PANELS, PANELS[0]]])
def test_the_same_values_give_the_same_bytes(tmp_path: Path, panels: list[Panel]) -> None:
    write_picture(tmp_path / "first.svg", panels)
    write_picture(tmp_path / "second.svg", panels)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    assert "<dc:date>" not in (tmp_path / "first.svg").read_text()


def test_a_picture_does_not_depend_on_a_persons_own_style_and_leaves_it_alone(
    tmp_path: Path,
) -> None:
    write_picture(tmp_path / "first.svg", PANELS)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9}):
        write_picture(tmp_path / "second.svg", PANELS)
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_names_with_signs_of_their_own_stay_readable_svg(tmp_path: Path) -> None:
    panel = range_panel("a < b & c", {"x < y": (0.2, 0.1, 0.3), "$x_1$": (0.2, 0.1, 0.3)})
    write_picture(tmp_path / "p.svg", [panel])
    assert {"a < b & c", "x < y", "$x_1$"} <= set(texts(tmp_path / "p.svg"))


def test_without_matplotlib_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slmrec.studies.plots.find_spec", lambda _name: None)
    with pytest.raises(UnavailableError, match=r"pip install 'slmrec\[studies\]'"):
        require_matplotlib()
