"""A row of the ablation is trained once a seed, measured on the test targets and summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slmrec.distillation.live_teacher import LiveTeacher
from slmrec.distillation.teacher_outputs import StatesShape, TeacherEnsemble
from slmrec.evaluation.evaluator import Evaluator
from slmrec.models.factory import new_decoder
from slmrec.models.llama import LlamaRecommender
from slmrec.params.decoder import FullTuning
from slmrec.params.distill_student import (
    CutDecoder,
    DistillStudentParams,
    DistillWeights,
    OfflineTeaching,
    OnlineTeaching,
)
from slmrec.studies.ablation_rows import (
    Ablation,
    applicable_rows,
    student_params,
    summarize,
    without_text,
)
from slmrec.studies.params import AblationParams, AblationRow
from tests.support.evaluation import evaluate_params
from tests.support.histories import TRAINING, ring_histories
from tests.support.models import (
    ITEMS,
    MAX_LENGTH,
    decoder_params,
    item_embedding,
    small_decoder,
)
from tests.support.project import ROOT

RING = ring_histories(40, ITEMS - 2, MAX_LENGTH)
ALL = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=1)
RANKING = DistillWeights(ranking=1, cosine=0, norm=0, multi_supervision=0, logits=0)
STUDENT = DistillStudentParams(
    seed=1,
    decoder=CutDecoder(kind="cut", teacher_layers=[1], tuning=FullTuning(kind="full")),
    dropout=0.0,
    layer_drop=0.0,
    item_vectors="trained",
    weights=ALL,
    training=TRAINING.model_copy(update={"epochs": 1}),
    teaching=OfflineTeaching(kind="offline"),
    fall_back=False,
    narrow=None,
)
EVALUATE = evaluate_params(bootstrap=20)


def decoder_with_text() -> LlamaRecommender:
    torch.manual_seed(1)
    embedding = item_embedding(text=torch.randn(ITEMS, 5), hidden_ids=0.1)
    return new_decoder(embedding, decoder_params(3), 0.0, 0.0, MAX_LENGTH).eval()


def row(**changes: Any) -> AblationRow:
    plain = {
        "name": "a row",
        "weights": RANKING,
        "teaching": "offline",
        "decoder": "as distill_student says",
        "text": "as the teacher",
    }
    return AblationRow.model_validate(plain | changes)


@pytest.fixture
def ablation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ablation:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    torch.set_num_threads(1)
    teacher = decoder_with_text()
    shape = StatesShape(
        positions=0,  # none is recorded
        blocks=[2],
        width=teacher.shape.width,
        top=3,
        precision="float32",
        shard_positions=1,
        keep="nothing",
    )
    states = LiveTeacher(TeacherEnsemble(teacher, [], None, shape), RING)
    evaluator = Evaluator(RING, ITEMS, np.empty(0, dtype=np.int64), EVALUATE)
    return Ablation(RING, teacher, states, evaluator, STUDENT, torch.device("cpu"), "key")


def test_a_row_is_trained_once_with_each_seed(
    ablation: Ablation, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = ablation.run_row(row(), [1, 2])
    assert result["seeds"] == 2
    assert result["ndcg@10"]["least"] <= result["ndcg@10"]["mean"] <= result["ndcg@10"]["greatest"]
    # a second training would fail
    monkeypatch.setattr("slmrec.studies.ablation_rows.distill_student", None)
    assert ablation.run_row(row(), [1, 2]) == result
    with pytest.raises(TypeError):
        ablation.run_row(row(weights=ALL), [1, 2])  # another row is another result


def test_a_row_says_how_its_student_is_taught(ablation: Ablation) -> None:
    online = OnlineTeaching(kind="online", detach=True, teacher_weight=1)
    assert ablation.setup(row(), 5).online is None
    assert ablation.setup(row(), 5).seed == 5
    assert ablation.setup(row(teaching=online), 5).online == online


def test_a_row_changes_the_weights_and_where_it_says_so_the_shape() -> None:
    plain = student_params(row(), STUDENT)
    assert plain.weights == RANKING
    assert plain.decoder == STUDENT.decoder
    other_shape = student_params(row(decoder=decoder_params(2, width=32)), STUDENT).decoder
    assert other_shape == decoder_params(2, width=32)


def test_a_student_without_text_starts_from_the_same_vectors_and_the_teacher_keeps_its_own(
    ablation: Ablation,
) -> None:
    with_text = ablation.setup(row(), 1)
    bare = without_text(with_text)
    assert bare.teacher.item_embedding.text is None
    assert with_text.teacher.item_embedding.text is not None
    assert bare.states is with_text.states
    items = torch.arange(2, ITEMS)
    torch.testing.assert_close(
        bare.teacher.item_embedding.eval()(items), with_text.teacher.item_embedding(items)
    )


def test_a_row_without_text_is_left_out_where_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    p = AblationParams.read(ROOT)
    rows = applicable_rows(p, small_decoder(3))
    assert {row.name for row in p.rows} - {row.name for row in rows} == {"without text"}
    assert "without text: left out" in capsys.readouterr().out
    assert applicable_rows(p, decoder_with_text()) == p.rows


def test_a_summary_holds_mean_least_and_greatest_over_seeds() -> None:
    results = [
        {
            "test": {"ndcg@10": quality, "hr@10": 0.5, "hr@1": 0.5, "mrr": 0.5},
            "valid_ndcg@10": 2 * quality,
            "parameters": 7,
        }
        for quality in (0.25, 0.125, 0.375)
    ]
    summary = summarize(row(), results)
    assert summary["ndcg@10"] == {"mean": 0.25, "least": 0.125, "greatest": 0.375}
    assert summary["valid_ndcg@10"] == {"mean": 0.5, "least": 0.25, "greatest": 0.75}
    assert (summary["name"], summary["parameters"], summary["seeds"]) == ("a row", 7, 3)
