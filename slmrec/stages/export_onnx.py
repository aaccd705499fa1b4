"""The student as an ONNX bundle: exported, compared with torch, measured and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.core.files import new_folder, read_json, sha256_of, sha256_of_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.evaluator import Evaluator
from slmrec.export.bundle import export_bundle
from slmrec.export.bundle_writer import write_bundle
from slmrec.export.empty_history import popularity_scores
from slmrec.export.graph import Additions
from slmrec.export.item_tables import read_served_items
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import load_model
from slmrec.neighbours.blend import Blend, NeighbourScores
from slmrec.neighbours.table import Neighbours
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime import verify
from slmrec.training.device import start_torch


def load_served_model(model_dir: Path, rows: int) -> SequenceModel:
    """Read the model to export. Raises DataError where it is missing or has another item table."""
    if not model_dir.is_dir():
        raise DataError(
            f"export_onnx.model is {model_dir.name}, but {model_dir} does not exist; "
            "set distill_student.narrow, or model: student"
        )
    model = load_model(model_dir)
    if len(model.item_embedding) != rows:
        raise DataError(
            f"the student knows {len(model.item_embedding)} rows, items.parquet has {rows}; "
            "run dvc repro"
        )
    return model


def served_neighbours(
    neighbours_dir: Path,
    joined: dict[str, Any],
    histories: Histories,
    items: int,
    p: ExportParams,
) -> NeighbourScores | None:
    """What neighbours add to the served student; None where validation saw no gain in it."""
    alone, together = joined["validation"]["alone"], joined["validation"]["with_neighbours"]
    serves = p.neighbours and together > alone
    gain = f"validation NDCG@10 {alone:.4f} alone, {together:.4f} with neighbours"
    print(f"export_onnx: {gain}: served {'with' if serves else 'without'} them", flush=True)
    if not serves:
        return None
    blend = Blend.of_json(joined)
    return NeighbourScores.of(Neighbours.load(neighbours_dir), blend, histories, items)


def served_popularity(
    histories: Histories, items: int, recent_days: int, p: ExportParams
) -> Tensor | None:
    """What answers a history without a known item (I,); None where the model does."""
    if p.empty_history == "unknown_item":
        return None
    return popularity_scores(histories, items, recent_days)


def _hashes_of(**folders: Path) -> dict[str, str]:
    return {name: sha256_of_folder(folder, "*") for name, folder in folders.items()}


def main(
    events_dir: Path,
    histories_dir: Path,
    neighbours_dir: Path,
    student_dir: Path,
    evaluation_path: Path,
    *,
    bundle_dir: Path,
    metrics_path: Path,
) -> None:
    """Export the chosen model of student_dir; write the verified bundle and metrics/bundle.json."""
    compute = ComputeParams.read()
    start_torch(compute)
    p = ExportParams.read()
    model_dir, items_path = student_dir / p.model, events_dir / "items.parquet"
    items = tables.read_table(items_path, tables.ITEMS)
    model = load_served_model(model_dir, len(items) + FIRST_ITEM)
    described = model.item_embedding.described().numpy()
    served = read_served_items(items, described)
    histories = read_histories(histories_dir)
    evaluate, evaluation = EvaluateParams.read(), read_json(evaluation_path)
    evaluator = Evaluator(histories, served.rows, described, evaluate)
    joined = evaluation["neighbours"][p.model]
    neighbours = served_neighbours(neighbours_dir, joined, histories, served.rows, p)
    popularity = served_popularity(histories, served.rows, evaluate.recent_days, p)
    additions = Additions(neighbours, popularity)
    inputs_sha256 = {
        "items": sha256_of(items_path),
        "evaluation": sha256_of(evaluation_path),
        **_hashes_of(histories=histories_dir, neighbours=neighbours_dir, student=model_dir),
    }
    files, measured = export_bundle(
        model, additions, served, evaluator, evaluation, inputs_sha256, p, compute.threads
    )
    with new_folder(bundle_dir) as folder:
        write_bundle(files, folder)
        replay = verify(folder, "cpu", compute.threads)
    write_json(metrics_path, measured)
    print(f"export_onnx: {bundle_dir} is whole: {replay.cases} golden cases replayed", flush=True)


if __name__ == "__main__":
    run_stage(main)
