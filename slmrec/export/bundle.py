"""From a model to the files of its bundle: the graph, compared with torch, and its own quality."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from slmrec.core.errors import DataError
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export.bundle_writer import BundleFiles, bundle_files, json_bytes
from slmrec.export.contract import bundle_contract
from slmrec.export.further_parity import check_steps, check_user_tower
from slmrec.export.further_parts import FurtherParts, further_parts
from slmrec.export.graph import Additions, export_graph
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.export.graph_quality import measure_graph
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity
from slmrec.export.precision_gate import judge_precisions
from slmrec.models.factory import SequenceModel
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.further_graphs import ITEM_VECTORS, STEP, USER_TOWER, file_of
from slmrec.runtime.golden import EmbedUsers, golden_inputs, record_golden_cases
from slmrec.runtime.items import ServedItems
from slmrec.runtime.session import RunGraph, embed_users, open_session, run_graph
from slmrec.runtime.stepper import run_step


def export_bundle(
    model: SequenceModel,
    additions: Additions,
    served: ServedItems,
    evaluator: Evaluator,
    evaluation: dict[str, Any],
    inputs_sha256: dict[str, str],
    p: ExportParams,
    threads: int,
) -> tuple[BundleFiles, dict[str, Any]]:
    """The bundle's files, and what metrics/bundle.json holds: the graph's quality and parity.

    `evaluation` is metrics/evaluation.json, which the bundle's own metrics extend; `inputs_sha256`
    are of what the bundle is made from, by name. Raises PromiseError when graph and torch disagree.
    """
    candidates = _candidates(served, evaluator.candidates.numpy())
    graph = export_graph(model, torch.from_numpy(candidates), p.opset, additions)
    inputs = golden_inputs(served.rows, model.max_length, served.candidates, p.top, p.seed)
    precisions = judge_precisions(graph, evaluator, inputs, p, threads)
    parts = further_parts(graph, model, additions, candidates, p)
    parts = parts.with_precisions(precisions.graphs, p.precisions.max_score_difference)
    contract = bundle_contract(
        graph,
        served,
        model.max_length,
        evaluator.histories.protocol.exclude_seen,
        p.max_score_difference,
        inputs_sha256,
        _blend_of(additions),
        parts,
    )
    properties = graph_properties(json_bytes(contract), served)
    stamped, further = stamp(graph, properties), _stamped_parts(parts, properties)
    run = _opened(stamped, served, threads)
    measured = measure_graph(model, additions, run, Parity(candidates, p), evaluator)
    measured = _reported({**measured, "precisions": precisions.report})
    metrics = evaluation | measured | {"models": evaluation["models"] | measured["models"]}
    embed = _checked_parts(model, parts, further, run, Parity(candidates, p), threads)
    golden = record_golden_cases(inputs, run, served.candidates, embed)
    return bundle_files(stamped, contract, served, metrics, golden, further), measured


def _blend_of(additions: Additions) -> dict[str, Any] | None:
    return None if additions.neighbours is None else additions.neighbours.blend.as_json()


def _stamped_parts(parts: FurtherParts, properties: dict[str, str]) -> dict[str, bytes]:
    """The bytes of each further part by its file, the graphs with `properties` as metadata."""
    files = {file_of(name): stamp(graph, properties) for name, graph in parts.graphs.items()}
    if parts.item_vectors is not None:
        files[ITEM_VECTORS] = parts.item_vectors
    for name, data in files.items():
        _report(f"{name} of {len(data) / 1e6:.1f} MB")
    return files


def _checked_parts(
    model: SequenceModel,
    parts: FurtherParts,
    files: dict[str, bytes],
    run: RunGraph,
    parity: Parity,
    threads: int,
) -> EmbedUsers | None:
    """The user tower as a function, where there is one; every part that computes is compared.

    Raises PromiseError where one differs from torch or from the whole graph.
    """
    embed = None
    if parts.item_vectors is not None:
        tower = file_of(USER_TOWER)
        embed = partial(embed_users, open_session(files[tower], "cpu", threads, tower))
        check_user_tower(model, embed, parts.item_vectors, parity)
    if STEP in parts.graphs:
        step = file_of(STEP)
        run_one = partial(run_step, open_session(files[step], "cpu", threads, step))
        check_steps(run_one, run, parts.state_shape(), parity)
    return embed


def _candidates(served: ServedItems, evaluated: np.ndarray) -> np.ndarray:
    """What the bundle recommends, (I,) bool. Raises DataError unless evaluation ranks the same."""
    candidates = candidates_of(served)
    if (candidates != evaluated).any():
        raise DataError(
            f"the bundle would recommend {candidates.sum()} items, evaluation ranked "
            f"{evaluated.sum()}; run dvc repro, so that events, histories and models are of one run"
        )
    return candidates


def _opened(graph: bytes, served: ServedItems, threads: int) -> RunGraph:
    _report(f"graph of {len(graph) / 1e6:.1f} MB, {served.candidates:,} items")
    return partial(run_graph, open_session(graph, "cpu", threads))


def _reported(measured: dict[str, Any]) -> dict[str, Any]:
    """What was measured, having told it."""
    parity = [f"{name} {value:.2g}" for name, value in measured["parity"].items()]
    _report(f"against torch {', '.join(parity)}")
    for precision, figures in measured["precisions"].items():
        texts = [f"{key} {value:.4g}" for key, value in figures.items() if key != "verdict"]
        _report(", ".join([f"{precision} {figures['verdict']}", *texts]))
    return measured


def _report(line: str) -> None:
    print(f"export_onnx: {line}", flush=True)
