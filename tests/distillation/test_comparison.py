"""The student falls back where the one without distillation is evidently better, and it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.distillation.comparison import compare_students
from slmrec.models.factory import SequenceModel
from slmrec.ranking.candidates import candidate_items
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import ModelScorer
from slmrec.training.loop import train
from tests.support.models import ITEMS, small_sasrec
from tests.support.training import HISTORIES, ring_run


@pytest.fixture
def learnt(tmp_path: Path) -> SequenceModel:
    """A model that has learnt which item follows which."""
    run = ring_run(tmp_path / "checkpoint", epochs=10, patience=10)
    train(run)
    model = run.trained
    assert isinstance(model, SequenceModel)
    return model.eval()


def validation_quality(model: SequenceModel) -> float:
    targets = HISTORIES.targets["valid"]
    candidates = candidate_items(HISTORIES, ITEMS, model.item_embedding.described().numpy())
    ranks = rank_targets(ModelScorer(model, HISTORIES), HISTORIES, targets, candidates, None)
    return mean_ndcg10(ranks.full, targets.row)


def test_it_falls_back_to_what_is_evidently_better_if_it_may(learnt: SequenceModel) -> None:
    untrained = small_sasrec(1)
    choice = compare_students(untrained, learnt, HISTORIES, fall_back=True)
    assert choice.falls_back
    assert choice.distilled == validation_quality(untrained)
    assert choice.without_distillation == validation_quality(learnt)
    assert not compare_students(untrained, learnt, HISTORIES, fall_back=False).falls_back
    assert not compare_students(learnt, untrained, HISTORIES, fall_back=True).falls_back


def test_what_chance_may_have_done_is_no_reason() -> None:
    one, other = sorted((small_sasrec(1), small_sasrec(2)), key=validation_quality)
    choice = compare_students(one, other, HISTORIES, fall_back=True)
    assert choice.distilled < choice.without_distillation
    assert not choice.falls_back
