"""What is measured: baselines, every trained model, and the ensemble; and their cached ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.fingerprint import key_of
from slmrec.dataset.histories import Histories
from slmrec.evaluation.baselines import LastItemTransition, Popularity
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.models.ensemble import load_members
from slmrec.models.serialization import load_model
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.ranks import Ranks
from slmrec.ranking.scorers import EnsembleScorer, ModelScorer, Scorer


@dataclass(frozen=True)
class Contestant:
    """Something that scores items, its parameters, and the folders it was read from, if any."""

    scorer: Scorer
    parameters: ParameterCounts
    model_dirs: list[Path]


def baselines(histories: Histories, items: int, p: EvaluateParams) -> dict[str, Contestant]:
    """What needs no training, by name; `items` counts all item indices."""
    scorers: dict[str, Scorer] = {
        "popularity": Popularity(histories, items, None),
        "recent_popularity": Popularity(histories, items, p.recent_days),
        "last_item_transition": LastItemTransition(histories, items),
    }
    no_parameters = ParameterCounts.of()
    return {name: Contestant(scorer, no_parameters, []) for name, scorer in scorers.items()}


def trained_models(
    histories: Histories,
    item_vectors_dir: Path,
    ensemble_dir: Path,
    teacher_dir: Path,
    student_dir: Path,
) -> dict[str, Contestant]:
    """Every model that the stages trained, by the name it has in the report."""
    models = load_models(_model_dirs(item_vectors_dir, teacher_dir, student_dir), histories)
    return models | load_ensemble(teacher_dir, ensemble_dir, histories)


def _model_dirs(item_vectors_dir: Path, teacher_dir: Path, student_dir: Path) -> dict[str, Path]:
    """The folder of each model that stands alone, by its name in the report."""
    model_dirs = {path.name: path for path in sorted(item_vectors_dir.iterdir())}
    model_dirs |= {
        "teacher": teacher_dir,
        "student": student_dir / "student",
        "student_without_distillation": student_dir / "without_distillation",
    }
    if (student_dir / "student_narrow").is_dir():  # only where distill_student.narrow asks for one
        model_dirs["student_narrow"] = student_dir / "student_narrow"
    return model_dirs


def load_models(model_dirs: Mapping[str, Path], histories: Histories) -> dict[str, Contestant]:
    """The model of each folder, by the folder's name in `model_dirs`."""
    contestants = {}
    for name, model_dir in model_dirs.items():
        model = load_model(model_dir)
        scorer = ModelScorer(model, histories)
        contestants[name] = Contestant(scorer, ParameterCounts.of(model), [model_dir])
    return contestants


def load_ensemble(
    teacher_dir: Path, ensemble_dir: Path, histories: Histories
) -> dict[str, Contestant]:
    """The teacher with the further members of its ensemble, as `ensemble`; empty without any."""
    members = load_members(ensemble_dir)
    if not members:
        return {}
    models = [load_model(teacher_dir), *members]
    scorer = EnsembleScorer([ModelScorer(model, histories) for model in models])
    parameters = ParameterCounts.of(*models)
    return {"ensemble": Contestant(scorer, parameters, [teacher_dir, ensemble_dir])}


def rank_checkpoints(
    contestants: Mapping[str, Contestant], histories_dir: Path, settings: list[Any]
) -> dict[str, Checkpoint]:
    """Where each contestant's ranks are cached: by its own folders, the histories and settings."""
    keys = {
        name: key_of([histories_dir, *contestant.model_dirs], *settings)
        for name, contestant in contestants.items()
    }
    return {name: Checkpoint.of("evaluate", f"{name}-{key}") for name, key in keys.items()}


def cached_ranks(evaluator: Evaluator, scorer: Scorer, checkpoint: Checkpoint) -> Ranks:
    """Ranks of the test targets, from the checkpoint where it has them.

    A run that was killed, or that follows a change of one model, ranks no other model again.
    """
    saved = checkpoint.load()
    if saved is not None:
        return Ranks(**{name: ranks.numpy() for name, ranks in saved[0].items()})
    ranks = evaluator.rank(scorer)
    checkpoint.save({name: torch.from_numpy(value) for name, value in vars(ranks).items()}, {})
    return ranks
