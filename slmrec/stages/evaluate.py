"""Quality of every model on the test targets, and nothing else: the same bytes on every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import write_json
from slmrec.core.progress import Progress
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import read_histories
from slmrec.evaluation.contestants import (
    Contestant,
    baselines,
    cached_ranks,
    rank_checkpoints,
    trained_models,
)
from slmrec.evaluation.evaluator import Evaluator
from slmrec.evaluation.looks import note_look
from slmrec.evaluation.negatives import write_negatives
from slmrec.evaluation.neighbour_contestants import NeighbourContestants, joined_name
from slmrec.models.serialization import embedding_model, load_model
from slmrec.models.student_choice import read_choice
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.training.device import start_torch


def evaluate(
    evaluator: Evaluator,
    contestants: Mapping[str, Contestant],
    checkpoints: Mapping[str, Checkpoint],
) -> dict[str, Any]:
    """The report: protocol, figures of every contestant, and paired differences."""
    ranks, models = {}, {}
    with Progress("evaluate", len(contestants)) as progress:
        for number, (name, contestant) in enumerate(contestants.items(), start=1):
            ranks[name] = cached_ranks(evaluator, contestant.scorer, checkpoints[name])
            models[name] = evaluator.report(ranks[name], contestant.parameters)
            ndcg = models[name]["full"]["ndcg@10"]
            progress.line(f"{number}/{len(contestants)} {name} ndcg@10 {ndcg:.4f}")
    paired = evaluator.paired_differences(ranks)
    return {"protocol": evaluator.protocol(), "models": models, "paired": paired}


def main(
    histories_dir: Path,
    neighbours_dir: Path,
    item_vectors_dir: Path,
    ensemble_dir: Path,
    teacher_dir: Path,
    student_dir: Path,
    *,
    negatives_path: Path,
    evaluation_path: Path,
) -> None:
    """Measure every model; write the negatives and metrics/evaluation.json."""
    compute, p = ComputeParams.read(), EvaluateParams.read()
    start_torch(compute)
    histories = read_histories(histories_dir)
    if not len(histories.targets["test"].row):
        raise DataError("there is no test target to rank; choose an earlier split.test_from")
    item_embedding = load_model(embedding_model(item_vectors_dir)).item_embedding
    items, described = len(item_embedding), item_embedding.described().numpy()
    evaluator = Evaluator(histories, items, described, p)
    neighbours = NeighbourContestants(neighbours_dir, evaluator)
    contestants = baselines(histories, items, p) | neighbours.baselines()
    contestants |= trained_models(
        histories, item_vectors_dir, ensemble_dir, teacher_dir, student_dir
    )
    joined = neighbours.joined(contestants)
    contestants |= {joined_name(name): student.contestant for name, student in joined.items()}
    settings = [p, compute, items, described.tolist()]
    print(note_look(histories, contestants, p), flush=True)
    checkpoints = rank_checkpoints(contestants, histories_dir, settings)
    report = evaluate(evaluator, contestants, checkpoints)
    report["student"] = asdict(read_choice(student_dir))
    report["neighbours"] = {name: student.as_json() for name, student in joined.items()}
    Checkpoint.forget_all_but("evaluate", checkpoints.values())
    write_negatives(negatives_path, evaluator.negatives, histories)
    write_json(evaluation_path, report)


if __name__ == "__main__":
    run_stage(main)
