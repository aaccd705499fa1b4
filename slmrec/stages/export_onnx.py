"""The student as an ONNX bundle: exported, held against torch, measured, and verified before it takes its name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from slmrec import tables
from slmrec.bundle_writer import Parts, candidates_of, item_files, properties, read_served_items, write_bundle, write_contract
from slmrec.compute import start_torch
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.evaluation import Examination, Parameters
from slmrec.files import new_folder, read_json, sha256_of, sha256_of_folder, write_json
from slmrec.golden import questions, record
from slmrec.graph import export_graph, stamp
from slmrec.histories import Histories, read_histories
from slmrec.models import SequenceModel, decoder_parameters, load_model, table_parameters
from slmrec.params import ComputeParams, EvaluateParams, ExportParams, read_section
from slmrec.parity import GraphScorer, Parity, compare_on_grid
from slmrec.runtime import answer, open_session, verify
from slmrec.served_items import ServedItems

NAME = "student_onnx"


def export_onnx(
    model: SequenceModel,
    served: ServedItems,
    histories: Histories,
    evaluation: dict[str, Any],
    inputs: dict[str, str],
    p: ExportParams,
    judged: EvaluateParams,
    threads: int,
) -> tuple[Parts, dict[str, Any]]:
    """Everything a bundle is made of, and the graph's own entry for metrics/bundle.json.

    inputs are names and sha256 of what it is made from. Raises PromiseError when graph and torch disagree.
    """
    if len(model.table) != served.rows:
        raise DataError(f"the student knows {len(model.table)} rows, items.parquet has {served.rows}; run dvc repro")
    candidates = candidates_of(served)
    graph = export_graph(model, torch.from_numpy(candidates), p.opset)
    items = item_files(served)
    contract = write_contract(graph, items, model.max_length, p.max_score_difference, inputs)
    stamped = stamp(graph, properties(contract, items))
    answering = partial(answer, open_session(stamped, "cpu", threads))
    parity = Parity(candidates, p)
    compare_on_grid(model, answering, parity)
    examination = Examination(histories, served.rows, model.table.described().numpy(), judged)
    ranks = examination.take(GraphScorer(model, answering, histories, parity))
    parity.check()
    measured = examination.measured(ranks, Parameters(decoder_parameters(model), table_parameters(model)))
    own = {"models": {NAME: measured}, "parity": parity.as_json()}
    whole = {**evaluation, "models": evaluation["models"] | own["models"], "parity": own["parity"]}
    asked = questions(served.rows, model.max_length, served.candidates, p.top, p.seed)
    return Parts(stamped, contract, items, whole, record(asked, answering, served.candidates)), own


def main(events: Path, histories: Path, student: Path, evaluation: Path, *, bundle: Path, metrics: Path) -> None:
    """Export the model in `student`; write the verified bundle and metrics/bundle.json."""
    compute = read_section("compute", ComputeParams, Path("params.yaml"))
    start_torch(compute)
    p = read_section("export_onnx", ExportParams, Path("params.yaml"))
    judged = read_section("evaluate", EvaluateParams, Path("params.yaml"))
    model = load_model(student / "student")
    served = read_served_items(tables.read_table(events / "items.parquet", tables.ITEMS))
    inputs = {
        "items": sha256_of(events / "items.parquet"),
        "histories": sha256_of_folder(histories, "*"),
        "student": sha256_of_folder(student / "student", "*"),
        "evaluation": sha256_of(evaluation),
    }
    parts, own = export_onnx(model, served, read_histories(histories), read_json(evaluation), inputs, p, judged, compute.threads)
    with new_folder(bundle) as folder:
        write_bundle(parts, folder)
        verify(folder, "cpu", compute.threads)
    write_json(metrics, own)


if __name__ == "__main__":
    open_door(main)
