"""The depth study's picture shows its results; without matplotlib nothing is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import UnavailableError
from slmrec.studies.depth import depth_panels, main
from slmrec.studies.plots import write_picture
from tests.studies.test_plots import texts

RESULTS = {
    "sasrec_valid_ndcg@10": 0.2,
    "read_out": [0.1, 0.2, 0.3],
    "retrained": [
        {"depth": 1, "valid_ndcg@10": 0.25, "seconds": 3.0},
        {"depth": 3, "valid_ndcg@10": 0.3, "seconds": 8.0},
    ],
    "layers": {
        "change": [0.5, 0.1, 0.2],
        "cka": [[1.0, 0.5], [0.5, 1.0]],
        "explained_by_one_map": {"1": [0.9, 0.8, 0.7], "2": [0.6, 0.5]},
    },
    "chosen_depth": 3,
}


def test_the_picture_shows_quality_seconds_effects_and_similarity(tmp_path: Path) -> None:
    write_picture(tmp_path / "depth.svg", depth_panels(RESULTS))
    assert set(texts(tmp_path / "depth.svg")) >= {
        "Validation NDCG@10; chosen depth 3",
        "SASRec",
        "Seconds of training",
        "What each layer does",
        "explained by one map over 2",
        "Similarity of states between layers (CKA)",
    }


def test_without_matplotlib_nothing_is_read_or_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slmrec.studies.plots.find_spec", lambda _name: None)
    missing = tmp_path / "missing"
    with pytest.raises(UnavailableError, match=r"slmrec\[studies\]"):
        main(missing, missing, missing, report_dir=tmp_path / "report")
