"""A precision that recommends something else than fp32 does is not exported, and it is said why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import pytest

from slmrec.core.vocabulary import PAD
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export import precision_gate
from slmrec.export.item_tables import candidates_of
from slmrec.export.precision_gate import Answers, Precisions, judge_precisions, measure
from slmrec.export.precisions import CONVERTERS
from slmrec.runtime.golden import golden_inputs
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    ROWS,
    histories_of_served_items,
    served_items,
    small_graph,
)
from tests.support.evaluation import evaluate_params


def judge(**changed: Any) -> Precisions:
    """The verdict on the small graph, with some settings changed."""
    precisions = PARAMS.precisions.model_copy(update=changed)
    p = PARAMS.model_copy(update={"precisions": precisions})
    candidates = served_items().candidates
    golden = golden_inputs(ROWS, MAX_LENGTH, candidates, p.top, p.seed)
    return judge_precisions(small_graph(), small_evaluator(), golden, p, 1)


def small_evaluator() -> Evaluator:
    """On histories of the small bundle's items."""
    evaluate = evaluate_params(seed=4, negatives=9, bootstrap=50, short_history=3)
    served = np.flatnonzero(candidates_of(served_items()))
    return Evaluator(histories_of_served_items(30), ROWS, served, evaluate)


def test_overlap_and_loss_are_shares_of_what_fp32_gives() -> None:
    expected = Answers(np.array([[2, 3, 4], [5, 6, PAD]]), ndcg=0.4)
    actual = Answers(np.array([[4, 2, 9], [6, 7, PAD]]), ndcg=0.3)
    measured = measure(expected, actual)
    assert measured["overlap@10"] == (2 + 1) / (3 + 2)
    assert math.isclose(measured["ndcg@10_loss"], (0.4 - 0.3) / 0.4)
    assert measure(Answers(expected.lists, 0.0), actual)["ndcg@10_loss"] == 0.0


def test_what_holds_the_limits_is_exported_with_what_was_measured() -> None:
    judged = judge()
    assert list(judged.graphs) == list(judged.report) == ["int8", "fp16"]
    for precision, measured in judged.report.items():
        assert measured["verdict"] == "exported"
        assert 0.8 <= measured["overlap@10"] <= 1.0
        assert measured["bytes"] == judged.graphs[precision].ByteSize()
    assert judged.report["fp16"]["overlap@10"] > judged.report["int8"]["overlap@10"]


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("min_overlap", 1.0, r"overlap 0\.\d+ < 1"),
        ("max_score_difference", {"int8": 1e-6}, r"golden case \w+: scores differ by"),
    ],
)
def test_a_limit_that_is_broken_keeps_a_precision_back(limit: str, value: Any, reason: str) -> None:
    judged = judge(wanted=["int8"], **{limit: value})
    assert judged.graphs == {}
    assert judged.report["int8"]["verdict"].startswith("not exported: ")
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(judged.report["int8"]["verdict"])


def test_a_worse_ndcg_keeps_a_precision_back() -> None:
    measured = {"overlap@10": 1.0, "ndcg@10_loss": 0.6}
    assert precision_gate._faults(measured, PARAMS.precisions) == ["NDCG@10 loss 60.00% > 50.00%"]


def test_a_norm_that_gives_zeros_is_found_by_the_golden_cases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def with_zeros(graph: onnx.ModelProto) -> onnx.ModelProto:
        """As a fused norm in fp16 did in some versions of onnxruntime."""
        half = CONVERTERS["fp16"](graph)
        for node in half.graph.node:
            if node.op_type == "ReduceMean":
                zero = onnx.numpy_helper.from_array(np.array(np.inf, np.float32), "infinite")
                half.graph.initializer.append(zero)
                break
        for reader in half.graph.node:
            for place, name in enumerate(reader.input):
                if name == node.output[0]:
                    reader.input[place] = "infinite"  # 1 / sqrt(infinite) is 0
        return half

    monkeypatch.setattr(precision_gate, "CONVERTERS", {"fp16": with_zeros})
    judged = judge(wanted=["fp16"], min_overlap=0.0, max_ndcg_loss=1.0)
    assert "golden case" in judged.report["fp16"]["verdict"]
    assert judged.graphs == {}


def test_without_validation_targets_nothing_is_exported() -> None:
    evaluator = small_evaluator()
    targets = evaluator.histories.targets
    targets["valid"] = targets["valid"].at(np.array([], np.int64))
    judged = judge_precisions(small_graph(), evaluator, {}, PARAMS, 1)
    assert judged.graphs == {}
    assert judged.report["int8"]["verdict"] == "not exported: there are no validation targets"
