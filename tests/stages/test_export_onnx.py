"""The stage: from a student to a verified bundle and its metrics, or nothing at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from slmrec.core import tables
from slmrec.core.errors import DataError, PromiseError
from slmrec.core.files import sha256_of, sha256_of_folder, write_json
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.neighbours.table import Neighbours
from slmrec.params.compute import ComputeParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.section import TopSection
from slmrec.runtime import verify
from slmrec.runtime.comparison import TopK
from slmrec.runtime.items import RETIRED
from slmrec.stages import export_onnx
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    ROWS,
    histories_of_served_items,
    run_small_graph,
    served_items,
    small_graph,
    small_model,
    small_parts,
)
from tests.support.evaluation import evaluate_params
from tests.support.neighbours import ring_table

INPUTS = ("events", "histories", "neighbours", "student", "evaluation.json")
JOINED = {
    "decay": 0.5,
    "terms": {"graph": {"weight": 1.0, "epsilon": 0.5}},
    "trend": {"newest": 0.2, "smoothing": 1.0, "weight": 0.5},
    "validation": {"alone": 0.2, "with_neighbours": 0.2},
}
EVALUATED: dict[str, Any] = {
    "protocol": {},
    "models": {},
    "paired": {},
    "neighbours": {"student": JOINED, "student_narrow": JOINED},
}


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    """What the stage reads: small, but as earlier stages leave it."""
    served = served_items()
    columns = {
        "item_index": range(2, ROWS),
        "item": served.ids,
        "title": [
            None if status == RETIRED else title
            for status, title in zip(served.statuses, served.titles, strict=True)
        ],
        "first_time": None,
        # The listed item too: this model knows no titles.
        "events": [int(status != RETIRED) for status in served.statuses],
    }
    (tmp_path / "events").mkdir()
    items = pl.DataFrame(columns, schema=tables.ITEMS)
    items.write_parquet(tmp_path / "events" / "items.parquet")
    (tmp_path / "histories").mkdir()
    (tmp_path / "neighbours").mkdir()
    Neighbours({"graph": ring_table(ROWS)}, 3).save(tmp_path / "neighbours")
    save_model(small_model(), tmp_path / "student" / "student")
    write_json(tmp_path / "evaluation.json", EVALUATED)
    return [tmp_path / name for name in INPUTS]


def set_params(monkeypatch: pytest.MonkeyPatch, p: ExportParams) -> None:
    sections: dict[str, TopSection] = {
        "compute": ComputeParams(device="cpu", threads=1, processes=1, precision="fp32"),
        "export_onnx": p,
        "evaluate": evaluate_params(seed=4, negatives=9, bootstrap=50, short_history=3),
    }
    monkeypatch.setattr(TopSection, "read", classmethod(lambda section: sections[section.KEY]))


@pytest.fixture(autouse=True)
def small_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage as it stands, on small histories and parameters."""
    set_params(monkeypatch, PARAMS)
    histories = histories_of_served_items(40)
    monkeypatch.setattr(export_onnx, "read_histories", lambda _path: histories)
    # The same model was exported already: tests/export/test_graph.py proves that another export
    # gives the same bytes.
    monkeypatch.setattr("slmrec.export.bundle.export_graph", lambda *_arguments: small_graph())
    step = small_parts().graphs["step"]
    monkeypatch.setattr("slmrec.export.further_parts.step_graph", lambda *_arguments: step)
    # Deterministic kernels for the whole process would reach into other tests.
    monkeypatch.setattr(export_onnx, "start_torch", lambda _p: None)


def run_stage(inputs: list[Path], tmp_path: Path) -> tuple[Path, Path]:
    """The paths of the bundle and of the metrics that the stage wrote."""
    bundle, metrics = tmp_path / "bundle", tmp_path / "bundle.json"
    export_onnx.main(*inputs, bundle_dir=bundle, metrics_path=metrics)
    return bundle, metrics


def test_the_stage_leaves_a_bundle_that_verifies_and_its_metrics(
    inputs: list[Path], tmp_path: Path
) -> None:
    bundle, metrics = run_stage(inputs, tmp_path)
    assert verify(bundle, "cpu", 1).max_difference == 0.0
    measured = json.loads(metrics.read_text())
    bundled = json.loads((bundle / "metrics.json").read_text())
    assert bundled["parity"] == measured["parity"]
    assert bundled["models"]["student_onnx"] == measured["models"]["student_onnx"]
    assert bundled["paired"] == {}  # of the evaluation, which the bundle's metrics extend


def test_the_contract_carries_the_hashes_of_what_the_bundle_was_made_from(
    inputs: list[Path], tmp_path: Path
) -> None:
    bundle, _metrics = run_stage(inputs, tmp_path)
    events, histories, neighbours, student, evaluation = inputs
    assert json.loads((bundle / "contract.json").read_text())["inputs_sha256"] == {
        "items": sha256_of(events / "items.parquet"),
        "histories": sha256_of_folder(histories, "*"),
        "neighbours": sha256_of_folder(neighbours, "*"),
        "student": sha256_of_folder(student / "student", "*"),
        "evaluation": sha256_of(evaluation),
    }


@pytest.mark.parametrize(
    ("wanted", "gain", "served"), [(True, 0.1, True), (True, 0.0, False), (False, 0.1, False)]
)
def test_neighbours_are_served_where_they_are_wanted_and_validation_saw_a_gain(
    inputs: list[Path], capsys: pytest.CaptureFixture[str], wanted: bool, gain: float, served: bool
) -> None:
    joined = JOINED | {"validation": {"alone": 0.2, "with_neighbours": 0.2 + gain}}
    p = PARAMS.model_copy(update={"neighbours": wanted})
    neighbours = export_onnx.served_neighbours(
        inputs[2], joined, histories_of_served_items(9), ROWS, p
    )
    assert (neighbours is not None) is served
    assert f"served {'with' if served else 'without'} them" in capsys.readouterr().out


def test_who_has_no_known_item_is_answered_by_popularity_where_that_is_asked() -> None:
    histories = histories_of_served_items(10)
    popular = PARAMS.model_copy(update={"empty_history": "popularity"})
    scores = export_onnx.served_popularity(histories, ROWS, 30, popular)
    assert scores is not None
    assert scores.shape == (ROWS,)
    assert export_onnx.served_popularity(histories, ROWS, 30, PARAMS) is None


def test_a_bundle_that_would_recommend_other_items_than_were_evaluated_is_refused(
    inputs: list[Path], tmp_path: Path
) -> None:
    items = pl.read_parquet(inputs[0] / "items.parquet")
    retired = pl.when(pl.col("item_index") == 9).then(0).otherwise("events").alias("events")
    items.with_columns(retired.cast(pl.UInt32)).write_parquet(inputs[0] / "items.parquet")
    with pytest.raises(DataError, match="would recommend 38 items, evaluation ranked 39"):
        run_stage(inputs, tmp_path)


def test_the_chosen_student_is_served_and_one_that_was_not_made_is_refused(
    inputs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_params(monkeypatch, PARAMS.model_copy(update={"model": "student_narrow"}))
    with pytest.raises(DataError, match=r"set distill_student\.narrow"):
        run_stage(inputs, tmp_path)
    (tmp_path / "student" / "student").rename(tmp_path / "student" / "student_narrow")
    bundle, _metrics = run_stage(inputs, tmp_path)
    assert verify(bundle, "cpu", 1).max_difference == 0.0


def test_a_student_that_does_not_fit_the_item_table_is_refused(
    inputs: list[Path], tmp_path: Path
) -> None:
    item_embedding = ItemEmbedding(torch.ones(ROWS + 1, dtype=torch.bool), 8, None, 0.0)
    save_model(SASRec(item_embedding, 1, 2, 8, 0.0, MAX_LENGTH), tmp_path / "student" / "student")
    with pytest.raises(
        DataError, match=f"the student knows {ROWS + 1} rows, items.parquet has {ROWS}"
    ):
        run_stage(inputs, tmp_path)


def test_nothing_is_written_when_parity_fails(
    inputs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_scores(_session: object, history: np.ndarray, exclude: np.ndarray, k: int) -> TopK:
        top = run_small_graph()(history, exclude, k)
        return TopK(top.items, top.scores * np.float32(1.1))

    monkeypatch.setattr("slmrec.export.bundle.run_graph", other_scores)
    with pytest.raises(PromiseError, match="nothing was written"):
        run_stage(inputs, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(INPUTS)
