"""Students imitate the mean score of the teacher and further models, whether it was recorded or is computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ruamel.yaml import YAML

from slmrec.dataset.batches import make_batch
from slmrec.distillation.live_teacher import open_states
from slmrec.distillation.teacher_outputs import TeacherOutputs
from slmrec.models.ensemble import load_members, save_members
from slmrec.models.factory import SequenceModel, new_decoder
from slmrec.models.item_embedding import ItemEmbedding, trained_rows
from slmrec.models.llama import LlamaRecommender
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import DecoderParams
from slmrec.params.params_file import Params
from slmrec.params.record_states import RecordStatesParams
from slmrec.ranking.scorers import EnsembleScorer, ModelScorer
from slmrec.stages.record_states import record_states
from tests.support.histories import ring_histories
from tests.support.project import ROOT

ITEMS = 14
HISTORIES = ring_histories(20, ITEMS - 2, 8)
RECORD = RecordStatesParams(
    keep="disk", blocks=[1, 2], top=4, precision="float32", shard_positions=50
)


def table() -> ItemEmbedding:
    """Vectors far from zero, so that scores differ."""
    made = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    torch.nn.init.normal_(made.ids)
    return made


def teacher() -> LlamaRecommender:
    torch.manual_seed(1)
    shape = DecoderParams(
        kind="config", layers=2, width=16, heads=2, key_value_heads=2, feed_forward=24
    )
    return new_decoder(table(), shape, 0.0, 0.0, 8).eval()


def sasrec(seed: int) -> SASRec:
    torch.manual_seed(seed)
    return SASRec(table(), 1, 2, 16, 0.0, 8).eval()


def rows(folder: Path) -> TeacherOutputs:
    batch = make_batch(HISTORIES, np.arange(6))
    return open_states(folder, HISTORIES, teacher()).rows(batch.windows, batch.real)


def test_recorded_shares_are_those_of_the_mean_score_and_states_are_the_teachers(tmp_path):
    beside = [sasrec(2), sasrec(3)]
    record_states(teacher(), beside, HISTORIES, RECORD, tmp_path / "three")
    record_states(teacher(), [], HISTORIES, RECORD, tmp_path / "alone")
    read, batch = rows(tmp_path / "three"), make_batch(HISTORIES, np.arange(6))
    known = trained_rows(teacher().item_embedding)
    with torch.inference_mode():
        members: list[SequenceModel] = [teacher(), *beside]
        scores = [
            model(batch.items)[batch.real] @ model.item_embedding(known).T for model in members
        ]
    logs = torch.log_softmax((scores[0] + scores[1] + scores[2]) / 3, dim=1)
    torch.testing.assert_close(read.scores, torch.topk(logs, RECORD.top, dim=1).values)
    torch.testing.assert_close(
        logs.gather(1, read.items - 1), read.scores
    )  # known items follow PAD in order
    assert torch.equal(read.states, rows(tmp_path / "alone").states)
    assert not torch.equal(read.items, rows(tmp_path / "alone").items)


def test_computed_rows_are_the_recorded_ones(tmp_path):
    beside = [sasrec(2), sasrec(3)]
    record_states(teacher(), beside, HISTORIES, RECORD, tmp_path / "disk")
    record_states(
        teacher(),
        beside,
        HISTORIES,
        RECORD.model_copy(update={"keep": "nothing"}),
        tmp_path / "nothing",
    )
    recorded, computed = rows(tmp_path / "disk"), rows(tmp_path / "nothing")
    torch.testing.assert_close(computed.scores, recorded.scores)
    torch.testing.assert_close(computed.states, recorded.states)
    assert torch.equal(computed.items, recorded.items)


def test_members_come_back_as_they_were(tmp_path):
    save_members(tmp_path / "none", {})
    assert load_members(tmp_path / "none") == []
    save_members(tmp_path / "two", {11: sasrec(11), 5: sasrec(5)})
    for found, seed in zip(load_members(tmp_path / "two"), (11, 5), strict=True):
        assert torch.equal(found.item_embedding.folded(), sasrec(seed).item_embedding.folded())


def test_an_ensemble_scores_with_the_mean():
    scorers = [ModelScorer(model, HISTORIES) for model in (teacher(), sasrec(2))]
    asked = np.arange(5), np.full(5, 6)
    left, right = (scorer.score(*asked) for scorer in scorers)
    torch.testing.assert_close(EnsembleScorer(scorers).score(*asked), (left + right) / 2)


@pytest.mark.parametrize(
    ("seeds", "teaching", "logits", "said"),
    [
        ([2, 2], {"kind": "offline"}, 1.0, r"seed and ensemble_seeds are \[1, 2, 2\]"),
        ([1], {"kind": "offline"}, 1.0, r"seed and ensemble_seeds are \[1, 1\]"),
        (
            [2],
            {"kind": "online", "detach": True, "teacher_weight": 1.0},
            1.0,
            "the student would imitate the learning teacher alone",
        ),
        ([2], {"kind": "offline"}, 0.0, "no student imitates scores"),
    ],
)
def test_an_ensemble_that_nobody_would_imitate_is_refused(seeds, teaching, logits, said):
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["embed_items"]["ensemble_seeds"] = seeds
    params["distill_student"]["teaching"] = teaching
    params["distill_student"]["weights"]["logits"] = logits
    with pytest.raises(ValueError, match=said):
        Params.model_validate(params)
