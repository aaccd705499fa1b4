"""The next-item loss: over the candidates of training, in each of its kinds, in full precision."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from slmrec.models.item_embedding import training_candidates
from slmrec.params.training import GbceLoss, LossParams, SampledSoftmaxLoss, SoftmaxLoss
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.losses.softmax import SoftTargets
from tests.support.histories import ring_histories
from tests.support.models import ITEMS, WIDTH, item_embedding

HISTORIES = ring_histories(60, ITEMS - 2, 8)
COLD = (5, 9)
SOFTMAX = SoftmaxLoss(kind="softmax", scores_at_once=50)
SAMPLED = SampledSoftmaxLoss(
    kind="sampled_softmax", negatives=200, uniform_share=0.5, rows="touched"
)
GBCE = GbceLoss(kind="gbce", negatives=6, calibration=0.75, rows="all")
TARGETS = torch.tensor([3, 4, 3, 12, 1, 8])
WEIGHTS = (2.0, 3.0)


def next_item_loss(p: LossParams) -> NextItemLoss:
    torch.manual_seed(1)
    embedding = item_embedding(COLD)
    torch.nn.init.normal_(embedding.ids)
    return NextItemLoss(embedding, p, HISTORIES)


def user_vectors() -> Tensor:
    return torch.randn(6, WIDTH, generator=torch.Generator().manual_seed(2)).requires_grad_()


def log_probs(loss: NextItemLoss) -> tuple[Tensor, list[int]]:
    """Of the user vectors over the candidates, and which these are."""
    candidates = training_candidates(loss.item_embedding)
    scores = user_vectors() @ loss.item_embedding(candidates).T
    return functional.log_softmax(scores, dim=1), candidates.tolist()


def test_softmax_is_over_unk_and_the_items_with_events_alone() -> None:
    loss = next_item_loss(SOFTMAX)
    plain, candidates = log_probs(loss)
    assert candidates == [item for item in range(1, ITEMS) if item not in COLD]
    columns = [candidates.index(target) for target in TARGETS.tolist()]
    expected = -plain[torch.arange(6), columns].mean()
    torch.testing.assert_close(loss.loss(user_vectors(), TARGETS), expected)


@pytest.mark.parametrize("p", [SOFTMAX, SAMPLED, GBCE], ids=["softmax", "sampled", "gbce"])
def test_frozen_items_give_the_same_loss_and_no_gradient_to_the_embedding(p: LossParams) -> None:
    loss, vectors = next_item_loss(p), user_vectors()
    full, frozen = loss.loss(vectors, TARGETS), loss.loss_with_frozen_items(vectors, TARGETS)
    torch.testing.assert_close(frozen, full)
    frozen.backward()
    assert vectors.grad is not None and vectors.grad.any()
    assert loss.item_embedding.ids.grad is None
    full.backward()
    assert loss.item_embedding.ids.grad is not None


@pytest.mark.parametrize(
    ("p", "sparse"),
    [
        (SOFTMAX, False),
        (SAMPLED, True),
        (SAMPLED.model_copy(update={"rows": "all"}), False),
        (GBCE, False),
        (GBCE.model_copy(update={"rows": "touched"}), True),
    ],
)
def test_only_a_loss_that_reads_few_rows_may_ask_for_sparse_gradients(
    p: LossParams, sparse: bool
) -> None:
    assert next_item_loss(p).item_embedding.sparse_gradients == sparse


def test_soft_targets_name_items_and_meet_the_students_scores_of_those() -> None:
    loss = next_item_loss(SOFTMAX)
    plain, candidates = log_probs(loss)
    items = torch.tensor([[12, 2, 6]] * 6)
    teacher = torch.tensor([[0.5, 0.2, 0.1]] * 6).log()
    hard, soft = loss.loss_with_soft_targets(
        user_vectors(), TARGETS, SoftTargets(items, teacher), WEIGHTS
    )
    torch.testing.assert_close(hard, loss.loss(user_vectors(), TARGETS))
    student = plain[:, [candidates.index(item) for item in (12, 2, 6)]]
    rest = 0.2 * (math.log(0.2) - (1 - student.exp().sum(dim=1)).log())
    by_hand = (teacher.exp() * (teacher - student)).sum(dim=1) + rest
    torch.testing.assert_close(soft, by_hand.mean(), rtol=1e-4, atol=1e-6)


def test_against_negatives_the_soft_targets_come_close_to_the_full_softmax() -> None:
    full, sampled = next_item_loss(SOFTMAX), next_item_loss(SAMPLED)
    soft_targets = SoftTargets(
        torch.tensor([[12, 2, 6]] * 6), torch.tensor([[0.5, 0.2, 0.1]] * 6).log()
    )
    expected = full.loss_with_soft_targets(user_vectors(), TARGETS, soft_targets, WEIGHTS)
    torch.manual_seed(4)  # of the step, which negatives are drawn from
    losses = sampled.loss_with_soft_targets(user_vectors(), TARGETS, soft_targets, WEIGHTS)
    torch.testing.assert_close(torch.stack(losses), torch.stack(expected), rtol=0.1, atol=0)


@pytest.mark.parametrize("p", [SOFTMAX, SAMPLED, GBCE], ids=["softmax", "sampled", "gbce"])
def test_losses_are_formed_in_full_precision_in_training_with_half_the_bits(p: LossParams) -> None:
    loss, vectors = next_item_loss(p), user_vectors().detach().bfloat16()
    plain = loss.loss(vectors.float(), TARGETS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss.loss(vectors, TARGETS), plain)


def test_scores_are_held_for_as_many_positions_as_fit_the_budget_and_one_at_least() -> None:
    loss = next_item_loss(SOFTMAX)
    assert len(loss.candidates) == ITEMS - 1 - len(COLD)  # 11
    assert loss._positions_at_once(SOFTMAX) == 50 // 11
    assert loss._positions_at_once(SOFTMAX.model_copy(update={"scores_at_once": 5})) == 1
