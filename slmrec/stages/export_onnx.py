"""The student as an ONNX bundle: exported, held against torch, measured, and verified before it takes its name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, read_json, sha256_of, sha256_of_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.evaluator import Evaluator, Parameters
from slmrec.export.bundle_writer import Parts, write_bundle
from slmrec.export.contract import properties, write_contract
from slmrec.export.graph import export_graph, stamp
from slmrec.export.item_tables import ItemFiles, candidates_of, item_files, read_served_items
from slmrec.export.parity import GraphScorer, Parity, compare_on_grid
from slmrec.models.factory import SequenceModel, decoder_parameters, table_parameters
from slmrec.models.serialization import load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.golden import Answering, questions, record
from slmrec.runtime.items import ServedItems
from slmrec.runtime.recommender import verify
from slmrec.runtime.session import answer, open_session
from slmrec.training.device import start_torch

NAME = "student_onnx"


@dataclass(frozen=True)
class Exported:
    """A graph, stamped with the hashes of the contract and the item table that belong to it."""

    graph: bytes
    contract: bytes
    items: ItemFiles


def export_onnx(
    model: SequenceModel, served: ServedItems, inputs: dict[str, str], p: ExportParams
) -> Exported:
    """The model as a graph; inputs are names and sha256 of what it is made from."""
    if len(model.item_embedding) != served.rows:
        raise DataError(
            f"the student knows {len(model.item_embedding)} rows, items.parquet has {served.rows}; run dvc repro"
        )
    graph = export_graph(model, torch.from_numpy(candidates_of(served)), p.opset)
    items = item_files(served)
    contract = write_contract(graph, items, model.max_length, p.max_score_difference, inputs)
    return Exported(stamp(graph, properties(contract, items)), contract, items)


def measure(
    model: SequenceModel,
    answering: Answering,
    parity: Parity,
    histories: Histories,
    judged: EvaluateParams,
) -> dict[str, Any]:
    """The graph's own quality on the test targets and its parity. Raises PromiseError when graph and torch disagree."""
    compare_on_grid(model, answering, parity)
    evaluator = Evaluator(
        histories, len(parity.candidates), model.item_embedding.described().numpy(), judged
    )
    ranks = evaluator.rank(GraphScorer(model, answering, histories, parity))
    parity.check()
    measured = evaluator.report(
        ranks, Parameters(decoder_parameters(model), table_parameters(model))
    )
    return {"models": {NAME: measured}, "parity": parity.as_json()}


def main(
    events: Path, histories: Path, student: Path, evaluation: Path, *, bundle: Path, metrics: Path
) -> None:
    """Export the chosen model in `student`; write the verified bundle and metrics/bundle.json."""
    compute = ComputeParams.read()
    start_torch(compute)
    p = ExportParams.read()
    judged = EvaluateParams.read()
    chosen = student / p.model
    if not chosen.is_dir():
        raise DataError(
            f"export_onnx.model is {p.model}, but {chosen} does not exist; set distill_student.narrow, or model: student"
        )
    model = load_model(chosen)
    served = read_served_items(tables.read_table(events / "items.parquet", tables.ITEMS))
    inputs = {
        "items": sha256_of(events / "items.parquet"),
        "histories": sha256_of_folder(histories, "*"),
        "student": sha256_of_folder(chosen, "*"),
        "evaluation": sha256_of(evaluation),
    }
    exported = export_onnx(model, served, inputs, p)
    say(f"graph of {len(exported.graph) / 1e6:.1f} MB, {served.candidates:,} items")
    answering = partial(answer, open_session(exported.graph, "cpu", compute.threads))
    own = measure(
        model, answering, Parity(candidates_of(served), p), read_histories(histories), judged
    )
    say(
        "against torch " + ", ".join(f"{name} {value:.2g}" for name, value in own["parity"].items())
    )
    asked = questions(served.rows, model.max_length, served.candidates, p.top, p.seed)
    golden = record(asked, answering, served.candidates)
    whole = read_json(evaluation)
    shown = {**whole, "models": whole["models"] | own["models"], "parity": own["parity"]}
    with new_folder(bundle) as folder:
        write_bundle(
            Parts(exported.graph, exported.contract, exported.items, shown, golden), folder
        )
        done = verify(folder, "cpu", compute.threads)
    write_json(metrics, own)
    say(f"{bundle} is whole: {done.cases} golden cases replayed")


def say(line: str) -> None:
    """A line for whoever watches."""
    print(f"export_onnx: {line}", flush=True)


if __name__ == "__main__":
    run_stage(main)
