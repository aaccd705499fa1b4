"""Which precisions of the graph are good enough to be exported, by validation histories.

Each is measured against the graph in fp32: how much of the lists of ten is the same, what becomes
of NDCG@10, and how far the answers of the golden cases move. What fails is not exported, and the
report says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories, Targets
from slmrec.dataset.padding import right_padded
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export.precisions import CONVERTERS
from slmrec.params.export_onnx import ExportParams, PrecisionParams
from slmrec.ranking.inputs import InputBatch, batches_by_input, sample_targets
from slmrec.ranking.metrics import NEVER_LISTED, mean_ndcg10
from slmrec.runtime.golden import GraphInput, record_golden_cases
from slmrec.runtime.replay import Case, cases_of, check_list
from slmrec.runtime.session import RunGraph, open_session, run_graph

LIST_LENGTH = 10
EXPORTED = "exported"


@dataclass(frozen=True)
class Precisions:
    """The graphs that passed, by their precision, and what was measured of each that was asked."""

    graphs: dict[str, onnx.ModelProto]
    report: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Answers:
    """What a graph gives for validation inputs."""

    lists: np.ndarray  # (N, K) int64
    ndcg: float  # NDCG@10 of the targets, mean over users


class Validation:
    """Validation targets, and the inputs that they are predicted from."""

    def __init__(self, histories: Histories, targets: Targets) -> None:
        self.histories = histories
        self.targets = targets
        self.batches = list(batches_by_input(histories, targets))

    def answers(self, run: RunGraph) -> Answers:
        """The lists and the quality of a graph."""
        lists, ranks = [], np.full(len(self.targets.row), NEVER_LISTED, np.int64)
        for batch in self.batches:
            best = self._lists(run, batch)
            hits = best[batch.input_of_target.numpy()] == batch.target_items.numpy()[:, None]
            ranks[batch.targets] = np.where(hits.any(1), hits.argmax(1) + 1, NEVER_LISTED)
            lists.append(best)
        return Answers(np.concatenate(lists), mean_ndcg10(ranks, self.targets.row))

    def _lists(self, run: RunGraph, batch: InputBatch) -> np.ndarray:
        history = right_padded(self.histories, batch.rows, batch.stops, int(batch.stops.max()))
        seen = history if self.histories.protocol.exclude_seen else history[:, :0]
        return run(history, seen, LIST_LENGTH).items


def judge_precisions(
    graph: onnx.ModelProto,
    evaluator: Evaluator,
    golden: dict[str, GraphInput],
    p: ExportParams,
    threads: int,
) -> Precisions:
    """Convert the graph to each precision that is wanted, and measure it.

    `golden` are the golden inputs by their cases.
    """
    asked, histories = p.precisions, evaluator.histories
    targets, candidates = histories.targets["valid"], int(evaluator.candidates.sum())
    if not asked.wanted or not len(targets.row):
        missing = {"verdict": "not exported: there are no validation targets"}
        return Precisions({}, dict.fromkeys(asked.wanted, missing))
    validation = Validation(histories, sample_targets(targets, asked.targets, p.seed))
    run = _runnable(graph, threads)
    expected = validation.answers(run)
    cases = cases_of(record_golden_cases(golden, run, candidates))
    graphs: dict[str, onnx.ModelProto] = {}
    report: dict[str, dict[str, Any]] = {}
    for precision in asked.wanted:
        converted = CONVERTERS[precision](graph)
        run = _runnable(converted, threads)
        measured = measure(expected, validation.answers(run))
        tolerance = asked.max_score_difference[precision]
        faults = [*_faults(measured, asked), *_golden_fault(cases, run, tolerance)]
        verdict = f"not exported: {'; '.join(faults)}" if faults else EXPORTED
        report[precision] = {**measured, "bytes": converted.ByteSize(), "verdict": verdict}
        if not faults:
            graphs[precision] = converted
    return Precisions(graphs, report)


def measure(expected: Answers, actual: Answers) -> dict[str, Any]:
    """A precision's answers beside those in fp32: the lists' overlap, and NDCG@10."""
    listed = expected.lists != PAD
    same = (expected.lists[:, :, None] == actual.lists[:, None, :]).any(2) & listed
    lost = expected.ndcg - actual.ndcg
    return {
        "overlap@10": float(same.sum() / max(1, listed.sum())),
        "ndcg@10": actual.ndcg,
        "ndcg@10_fp32": expected.ndcg,
        "ndcg@10_loss": lost / expected.ndcg if expected.ndcg > 0 else 0.0,
        "inputs": len(expected.lists),
    }


def _faults(measured: Mapping[str, float], p: PrecisionParams) -> list[str]:
    faults = []
    if (overlap := measured["overlap@10"]) < p.min_overlap:
        faults.append(f"overlap {overlap:.4f} < {p.min_overlap:g}")
    if (loss := measured["ndcg@10_loss"]) > p.max_ndcg_loss:
        faults.append(f"NDCG@10 loss {loss:.2%} > {p.max_ndcg_loss:.2%}")
    return faults


def _golden_fault(cases: list[Case], run: RunGraph, tolerance: float) -> list[str]:
    """What a consumer's replay would find, in one line; nothing where the answers agree."""
    try:
        for case in cases:
            given = case.given
            check_list(case, run(given.history, given.exclude, given.k), tolerance)
    except BundleError as error:
        return [str(error).partition(";")[0]]
    return []


def _runnable(graph: onnx.ModelProto, threads: int) -> RunGraph:
    return partial(run_graph, open_session(graph.SerializeToString(), "cpu", threads))
