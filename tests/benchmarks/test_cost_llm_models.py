"""The four models learn as the quality benchmark trains them, on batches of simulated histories."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks import cost_llm_models
from benchmarks.cost_llm_models import (
    ITEMS,
    LONGEST,
    NARROW,
    TOP,
    constant_outputs,
    learners,
    simulate_histories,
)
from slmrec.dataset.batches import make_batch
from slmrec.models.factory import SequenceModel, cut_decoder, new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.params.training import SampledSoftmaxLoss

LOSS = SampledSoftmaxLoss(kind="sampled_softmax", negatives=20, uniform_share=0.5, rows="all")


def small_models() -> dict[str, SequenceModel]:
    """The four, with a teacher of four narrow layers in SmolLM2's place."""
    torch.manual_seed(1)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    shape = NARROW.model_copy(update={"layers": 4, "width": 16, "feed_forward": 16})
    teacher = new_decoder(embedding, shape, 0.0, 0.0, LONGEST)
    return {
        "teacher": teacher,
        "student": cut_decoder(teacher, embedding, [1, 2], 0.0, 0.0),
        "student_narrow": new_decoder(embedding, NARROW, 0.0, 0.0, LONGEST),
        "sasrec": SASRec(embedding, 1, 1, 8, 0.0, LONGEST),
    }


def test_lengths_lie_between_three_and_the_longest_and_most_are_short() -> None:
    histories = simulate_histories()
    lengths = np.diff(histories.offsets)
    assert (lengths.min(), lengths.max()) == (4, LONGEST)
    assert np.median(lengths) < 10
    assert histories.items.max() < ITEMS


def test_each_model_has_a_finite_loss_and_lora_trains_a_small_part_of_the_layers() -> None:
    histories, models = simulate_histories(), small_models()
    batch = make_batch(histories, np.arange(3))
    for name, (module, loss) in learners(models, histories, LOSS).items():
        assert torch.isfinite(loss(batch)), name
        layers = getattr(models[name], "layers", None)
        if name in ("teacher", "student") and layers is not None:
            trained = sum(w.numel() for w in layers.parameters() if w.requires_grad)
            assert 0 < trained < sum(w.numel() for w in layers.parameters())
        assert any(w.requires_grad for w in module.parameters())


def test_students_learn_from_all_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    histories, models = simulate_histories(), small_models()
    read: list[int] = []

    def outputs(batch: object, width: int) -> object:
        read.append(width)
        return constant_outputs(batch, width)  # type: ignore[arg-type]

    monkeypatch.setattr(cost_llm_models, "constant_outputs", outputs)
    batch = make_batch(histories, np.arange(2))
    for _module, loss in learners(models, histories, LOSS).values():
        loss(batch)
    assert read == [16, 16]  # the teacher's width, for both students and for them alone


def test_the_teachers_outputs_have_one_row_a_real_position() -> None:
    batch = make_batch(simulate_histories(), np.arange(4))
    outputs = constant_outputs(batch, width=5)
    positions = int(batch.real.sum())
    assert outputs.states.shape == (positions, 2, 5)
    assert outputs.items.shape == outputs.log_probs.shape == (positions, TOP)
