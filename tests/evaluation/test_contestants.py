"""What is measured: baselines, every trained model by its name, the ensemble; cached ranks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.evaluation.baselines import LastItemTransition
from slmrec.evaluation.contestants import (
    baselines,
    cached_ranks,
    load_ensemble,
    rank_checkpoints,
    trained_models,
)
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.models.ensemble import save_members
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.ranking.scorers import ModelScorer
from tests.support.evaluation import evaluate_params
from tests.support.histories import ring_histories

ITEMS = 14
P = evaluate_params()
RING = ring_histories(80, ITEMS - 2, 8)
STUDENTS = ("student", "without_distillation")


def sasrec(seed: int) -> SASRec:
    torch.manual_seed(seed)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    return SASRec(embedding, 1, 2, 16, 0.0, 8)


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """The folders of a run without text, ensemble and narrow student."""
    save_model(sasrec(1), tmp_path / "item_vectors" / "sasrec")
    save_model(sasrec(2), tmp_path / "teacher")
    for name in STUDENTS:
        save_model(sasrec(3), tmp_path / "student" / name)
    save_members(tmp_path / "ensemble", {})
    return tmp_path


def names(artifacts: Path) -> list[str]:
    folders = [artifacts / name for name in ("item_vectors", "ensemble", "teacher", "student")]
    return list(trained_models(RING, *folders))


def test_baselines_have_no_parameters_and_come_from_no_folder() -> None:
    contestants = baselines(RING, ITEMS, P)
    assert list(contestants) == ["popularity", "recent_popularity", "last_item_transition"]
    assert {contestant.parameters for contestant in contestants.values()} == {ParameterCounts(0, 0)}
    assert not any(contestant.model_dirs for contestant in contestants.values())


def test_every_trained_model_is_measured_by_its_name(artifacts: Path) -> None:
    assert names(artifacts) == ["sasrec", "teacher", "student", "student_without_distillation"]


def test_what_only_some_settings_make_is_measured_where_it_lies(artifacts: Path) -> None:
    save_model(sasrec(4), artifacts / "item_vectors" / "sasrec_text")
    save_model(sasrec(5), artifacts / "student" / "student_narrow")
    save_members(artifacts / "ensemble", {7: sasrec(7)})
    assert set(names(artifacts)) >= {"sasrec_text", "student_narrow", "ensemble"}


def test_the_ensemble_is_the_mean_of_the_teacher_and_its_members(artifacts: Path) -> None:
    save_members(artifacts / "ensemble", {7: sasrec(7), 8: sasrec(8)})
    contestants = load_ensemble(artifacts / "teacher", artifacts / "ensemble", RING)
    ensemble = contestants["ensemble"]
    assert ensemble.parameters == ParameterCounts.of(sasrec(2), sasrec(7), sasrec(8))
    assert ensemble.model_dirs == [artifacts / "teacher", artifacts / "ensemble"]
    rows, stops = np.array([0, 1]), np.array([3, 4])
    member_scores = [ModelScorer(sasrec(seed), RING).score(rows, stops) for seed in (2, 7, 8)]
    torch.testing.assert_close(ensemble.scorer.score(rows, stops), sum(member_scores) / 3)


def test_a_changed_model_gets_another_checkpoint_and_the_others_keep_theirs(
    artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(artifacts / "cache"))
    histories_dir = artifacts / "histories"
    histories_dir.mkdir()
    folders = [artifacts / name for name in ("item_vectors", "ensemble", "teacher", "student")]
    before = rank_checkpoints(trained_models(RING, *folders), histories_dir, [P])
    save_model(sasrec(9), artifacts / "teacher")
    after = rank_checkpoints(trained_models(RING, *folders), histories_dir, [P])
    assert [name for name in before if before[name] != after[name]] == ["teacher"]


def test_a_model_that_was_ranked_before_is_not_ranked_again(tmp_path: Path) -> None:
    evaluator = Evaluator(RING, ITEMS, np.empty(0, dtype=np.int64), P)
    checkpoint = Checkpoint(tmp_path / "ranks.safetensors")
    first = cached_ranks(evaluator, LastItemTransition(RING, ITEMS), checkpoint)

    class Broken:
        def score(self, rows: np.ndarray, stops: np.ndarray) -> torch.Tensor:
            raise AssertionError("scored again")

    again = cached_ranks(evaluator, Broken(), checkpoint)
    for name in ("full", "sampled", "recommended"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
