"""From a model to the files of its bundle."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import PromiseError
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export.bundle import export_bundle
from slmrec.export.bundle_writer import BundleFiles
from slmrec.export.graph import MODEL_ALONE
from slmrec.export.item_tables import candidates_of
from slmrec.runtime.replay import replay_golden_cases
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    REPORT,
    ROWS,
    histories_of_served_items,
    run_small_graph,
    served_items,
    small_graph,
    small_model,
    small_parts,
)
from tests.support.evaluation import evaluate_params

EVALUATION: dict[str, Any] = {"protocol": {"seed": 4}, "models": {"teacher": REPORT}}


@pytest.fixture(autouse=True)
def small_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """The small graph instead of another export, which would give the same bytes."""
    monkeypatch.setattr("slmrec.export.bundle.export_graph", lambda *_arguments: small_graph())
    step = small_parts().graphs["step"]
    monkeypatch.setattr("slmrec.export.further_parts.step_graph", lambda *_arguments: step)


def export(max_score_difference: float) -> tuple[BundleFiles, dict[str, Any]]:
    evaluate = evaluate_params(seed=4, negatives=9, bootstrap=50, short_history=3)
    served = np.flatnonzero(candidates_of(served_items()))
    evaluator = Evaluator(histories_of_served_items(10), ROWS, served, evaluate)
    p = PARAMS.model_copy(update={"max_score_difference": max_score_difference})
    inputs_sha256 = {"student": "5" * 64}
    return export_bundle(
        small_model(),
        MODEL_ALONE,
        served_items(),
        evaluator,
        EVALUATION,
        inputs_sha256,
        p,
        threads=1,
    )


def test_the_bundles_metrics_are_those_of_the_evaluation_and_the_graphs_own() -> None:
    files, measured = export(1e-4)
    metrics = json.loads(files.metrics)
    assert metrics["protocol"] == {"seed": 4}
    assert metrics["models"] == {"teacher": REPORT} | measured["models"]
    assert metrics["parity"] == measured["parity"]
    assert metrics["precisions"] == measured["precisions"]
    assert {one["verdict"] for one in measured["precisions"].values()} == {"exported"}
    assert {"model_int8.onnx", "model_fp16.onnx"} <= files.further.keys()
    assert set(EVALUATION["models"]) == {"teacher"}  # left as it was


def test_tolerance_and_inputs_stand_in_the_contract_and_the_quality_in_the_card() -> None:
    files, measured = export(1e-4)
    contract = json.loads(files.contract)
    assert contract["tolerance"] == {"float32": 1e-4}
    assert contract["inputs_sha256"] == {"student": "5" * 64}
    ndcg = measured["models"]["student_onnx"]["full"]["ndcg@10"]
    assert f"| student_onnx | {ndcg:.4f} |" in files.model_card.decode()


def test_golden_cases_are_recorded_with_the_graph() -> None:
    files, _measured = export(1e-4)
    candidates = served_items().candidates
    assert replay_golden_cases(files.golden, run_small_graph(), 0.0, candidates).cases == 10
    with np.load(io.BytesIO(files.golden), allow_pickle=False) as arrays:
        assert arrays["outside_the_table.history"].tolist() == [[-1, ROWS, ROWS + 12345]]
        assert arrays["length_max.history"].shape == (1, MAX_LENGTH)


def test_a_graph_further_from_torch_than_allowed_is_refused() -> None:
    with pytest.raises(PromiseError, match="graph and torch differ"):
        export(1e-12)
