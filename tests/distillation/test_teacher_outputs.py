"""A teacher's outputs: states of its blocks, and log-probabilities of its best items."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.dataset.batches import make_batch
from slmrec.distillation.teacher_outputs import StatesShape, TeacherEnsemble, teacher_outputs
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import training_candidates
from tests.support.models import small_sasrec
from tests.support.teachers import HISTORIES, teacher

BATCH = make_batch(HISTORIES, np.arange(6))
USERS = torch.from_numpy(HISTORIES.windows.row[:6])
SHAPE = StatesShape(227, [2, 4], 16, 5, "float32", 37, "disk")


def test_outputs_at_one_position_by_hand() -> None:
    vectors, states = torch.tensor([[[1.0], [7.0]]]), [torch.tensor([[[2.0, 3.0], [9.0, 9.0]]])]
    real = torch.tensor([[True, False]])
    candidates, candidate_vectors = torch.tensor([1, 4, 6]), torch.tensor([[0.0], [2.0], [1.0]])
    outputs = teacher_outputs(
        vectors, states, real, candidates, candidate_vectors, top=2, added=None
    )
    assert outputs.states.tolist() == [[[2, 3]]]
    assert outputs.items.tolist() == [[4, 6]]
    total = np.exp(0) + np.exp(2) + np.exp(1)
    expected = [[np.log(np.exp(2) / total), np.log(np.exp(1) / total)]]
    np.testing.assert_allclose(outputs.log_probs.numpy(), expected, rtol=1e-6)


def test_states_are_the_teachers_own_after_each_block() -> None:
    outputs = TeacherEnsemble(teacher(), [], None, SHAPE).outputs(BATCH.items, BATCH.real, USERS)
    _, states = teacher().forward_with_states(BATCH.items, [2, 4])
    expected = torch.stack([state[BATCH.real] for state in states], dim=1)
    torch.testing.assert_close(outputs.states, expected)
    assert outputs.states.shape == (len(BATCH.real_targets), 2, 16)


@pytest.mark.parametrize("seeds", [[], [2], [2, 3]])
def test_log_probabilities_are_those_of_the_mean_score_of_all_models(seeds: list[int]) -> None:
    members: list[SequenceModel] = [small_sasrec(seed) for seed in seeds]
    ensemble = TeacherEnsemble(teacher(), members, None, SHAPE)
    outputs = ensemble.outputs(BATCH.items, BATCH.real, USERS)
    candidates = training_candidates(teacher().item_embedding)
    models: list[SequenceModel] = [teacher(), *members]
    with torch.inference_mode():
        scores = [
            model(BATCH.items)[BATCH.real] @ model.item_embedding(candidates).T for model in models
        ]
    log_probs = torch.log_softmax(torch.stack(scores).mean(dim=0), dim=1)
    torch.testing.assert_close(outputs.log_probs, torch.topk(log_probs, 5, dim=1).values)
    columns = outputs.items - 1  # candidates follow PAD in order
    torch.testing.assert_close(log_probs.gather(1, columns), outputs.log_probs)
    alone = TeacherEnsemble(teacher(), [], None, SHAPE).outputs(BATCH.items, BATCH.real, USERS)
    assert torch.equal(outputs.states, alone.states)
    assert torch.equal(outputs.items, alone.items) == (not seeds)


def test_the_models_of_an_ensemble_are_asked_in_evaluation_mode_without_gradients() -> None:
    learning, member = teacher().train(), small_sasrec(2).train()
    outputs = TeacherEnsemble(learning, [member], None, SHAPE).outputs(
        BATCH.items, BATCH.real, USERS
    )
    assert not learning.training and not member.training
    assert not outputs.states.requires_grad and not outputs.log_probs.requires_grad


@pytest.mark.parametrize(("precision", "float_bytes"), [("float16", 2), ("float32", 4)])
def test_bytes_on_disk_are_those_of_states_items_and_scores(
    precision: str, float_bytes: int
) -> None:
    shape = StatesShape(100, [2, 4], 16, 5, precision, 37, "disk")
    assert shape.bytes() == 100 * (2 * 16 * float_bytes + 5 * float_bytes + 5 * 4)
