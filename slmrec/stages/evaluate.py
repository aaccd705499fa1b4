"""Quality of every model on the test targets, and nothing else: the same bytes on every run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import new_file, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.progress import Progress
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.baselines import LastItemTransition, Popularity
from slmrec.evaluation.evaluator import Evaluator, Parameters
from slmrec.models.ensemble import load_members
from slmrec.models.factory import SequenceModel, decoder_parameters, table_parameters
from slmrec.models.serialization import embedding_model, load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.ranks import Ranks
from slmrec.ranking.scorers import EnsembleScorer, ModelScorer, Scorer
from slmrec.training.device import start_torch


def contestants(
    histories: Histories, folders: dict[str, Path], items: int, p: EvaluateParams
) -> dict[str, tuple[Scorer, Parameters]]:
    """Everything that is measured: baselines first, then the models in `folders` by name."""
    nothing = Parameters(0, 0)
    scorers: dict[str, tuple[Scorer, Parameters]] = {
        "popularity": (Popularity(histories, items, None), nothing),
        "recent_popularity": (Popularity(histories, items, p.recent_days), nothing),
        "last_item_transition": (LastItemTransition(histories, items), nothing),
    }
    for name, folder in folders.items():
        scorers[name] = ensemble_scorer([load_model(folder)], histories)
    return scorers


def ensemble_scorer(models: list[SequenceModel], histories: Histories) -> tuple[Scorer, Parameters]:
    """One contestant of several models, or of one."""
    scorers = [ModelScorer(model, histories) for model in models]
    parameters = Parameters(
        sum(map(decoder_parameters, models)), sum(map(table_parameters, models))
    )
    return (EnsembleScorer(scorers) if len(scorers) > 1 else scorers[0]), parameters


def ranked(scorer: Scorer, evaluator: Evaluator, checkpoint: Checkpoint) -> Ranks:
    """Where a model puts every test target; kept, so that a run that was killed, or that changes one model, ranks no other again."""
    found = checkpoint.load()
    if found is not None:
        return Ranks(**{name: ranks.numpy() for name, ranks in found[0].items()})
    ranks = evaluator.rank(scorer)
    checkpoint.save({name: torch.from_numpy(value) for name, value in vars(ranks).items()}, {})
    return ranks


def write_negatives(evaluator: Evaluator, path: Path) -> None:
    """Store the negatives of the sampled protocol, one row a test user."""
    rows = sorted(set(evaluator.targets.row.tolist()))
    item_embedding = pl.DataFrame(
        {"user_index": evaluator.histories.users[rows], "negatives": evaluator.negatives[rows]},
        schema={
            "user_index": pl.UInt32,
            "negatives": pl.Array(pl.UInt32, evaluator.negatives.shape[1]),
        },
    )
    with new_file(path) as temporary:
        item_embedding.write_parquet(temporary)


def main(
    histories: Path,
    item_vectors: Path,
    ensemble: Path,
    teacher: Path,
    student: Path,
    *,
    negatives: Path,
    evaluation: Path,
) -> None:
    """Measure every model on `histories`; write the stored negatives and metrics/evaluation.json."""
    compute = ComputeParams.read()
    start_torch(compute)
    p = EvaluateParams.read()
    read, item_embedding = (
        read_histories(histories),
        load_model(embedding_model(item_vectors)).item_embedding,
    )
    if not len(read.targets["test"].row):
        raise DataError(
            "there is no test target: no event after split.test_from has an earlier one; choose an earlier cut"
        )
    described = item_embedding.described().numpy()
    evaluator = Evaluator(read, len(item_embedding), described, p)
    folders = {folder.name: folder for folder in sorted(item_vectors.iterdir())} | {
        "teacher": teacher,
        "student": student / "student",
    }
    folders["student_without_distillation"] = student / "without_distillation"
    if (student / "student_narrow").is_dir():  # only where distill_student.narrow asks for one
        folders["student_narrow"] = student / "student_narrow"
    scorers = contestants(read, folders, len(item_embedding), p)
    made = {name: [folder] for name, folder in folders.items()}
    if beside := load_members(ensemble):
        scorers["ensemble"] = ensemble_scorer([load_model(teacher), *beside], read)
        made["ensemble"] = [teacher, ensemble]
    checkpoints = {}
    for name in scorers:
        made_from = [histories, *made.get(name, [])]
        checkpoints[name] = Checkpoint.of(
            "evaluate",
            f"{name}-{key_of(made_from, p, compute, len(item_embedding), described.tolist())}",
        )
    ranks, models = {}, {}
    with Progress("evaluate", len(scorers)) as progress:
        for done, (name, (scorer, parameters)) in enumerate(scorers.items(), start=1):
            ranks[name] = ranked(scorer, evaluator, checkpoints[name])
            models[name] = evaluator.report(ranks[name], parameters)
            progress.line(
                f"{done}/{len(scorers)} {name} ndcg@10 {models[name]['full']['ndcg@10']:.4f}"
            )
    Checkpoint.forget_all_but("evaluate", checkpoints.values())
    write_negatives(evaluator, negatives)
    write_json(
        evaluation,
        {
            "protocol": evaluator.protocol(),
            "models": models,
            "paired": evaluator.paired_differences(ranks),
        },
    )


if __name__ == "__main__":
    run_stage(main)
