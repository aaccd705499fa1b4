"""The ablation's picture shows its rows; without matplotlib nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import UnavailableError
from slmrec.studies.ablation import ablation_panels, main
from slmrec.studies.plots import write_picture
from tests.studies.test_plots import texts


def test_the_picture_shows_both_metrics_of_every_row(tmp_path: Path) -> None:
    spread = {"mean": 0.25, "least": 0.125, "greatest": 0.375}
    rows = [
        {"name": name, "seeds": 3, "ndcg@10": spread, "hr@10": spread}
        for name in ("ranking only", "all of it")
    ]
    write_picture(tmp_path / "ablation.svg", ablation_panels(rows))
    shown = texts(tmp_path / "ablation.svg")
    assert "Test NDCG@10, mean and range over 3 seeds" in shown
    assert "Test HR@10, mean and range over 3 seeds" in shown
    assert shown.count("ranking only") == shown.count("all of it") == 2


def test_without_matplotlib_nothing_is_read_or_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slmrec.studies.plots.find_spec", lambda _name: None)
    missing = tmp_path / "missing"
    with pytest.raises(UnavailableError, match=r"slmrec\[studies\]"):
        main(missing, missing, missing, report_dir=tmp_path / "report")
