"""Losses agree with their plain definitions, in value and in gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slmrec.losses import cosine_loss, logits_loss, norm_loss, softmax_loss


@pytest.mark.parametrize("scores_at_once", [1, 7 * 30, 10_000])
def test_chunked_softmax_equals_cross_entropy_with_its_gradients(scores_at_once):
    torch.manual_seed(0)
    vectors, table = torch.randn(20, 8, requires_grad=True), torch.randn(30, 8, requires_grad=True)
    targets = torch.randint(30, (20,))
    plain = functional.cross_entropy(vectors @ table.T, targets)
    plain_gradients = torch.autograd.grad(3 * plain, (vectors, table))
    fused = softmax_loss(vectors, table, targets, scores_at_once)
    fused_gradients = torch.autograd.grad(3 * fused, (vectors, table))
    torch.testing.assert_close(fused, plain)
    for ours, theirs in zip(fused_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_cosine_loss_ignores_length_and_norm_loss_does_not():
    states = torch.randn(6, 2, 4)
    assert cosine_loss(3 * states, states).item() == pytest.approx(0, abs=1e-6)
    assert norm_loss(3 * states, states).item() == pytest.approx((3 - 1) ** 2, rel=1e-5)
    assert norm_loss(states, states).item() == 0


def test_norm_loss_weighs_every_block_alike_however_large_its_states_are():
    teacher = torch.randn(50, 2, 4)
    student = torch.randn(50, 2, 4)
    scale = torch.tensor([1.0, 1000.0])[None, :, None]
    torch.testing.assert_close(norm_loss(student * scale, teacher * scale), norm_loss(student, teacher))


def test_logits_loss_is_zero_for_the_teachers_own_scores_and_positive_for_others():
    vectors, table = torch.randn(5, 8), torch.randn(40, 8)
    top = torch.topk(vectors @ table.T, 6)
    assert logits_loss(vectors, table, top.indices, top.values, 1.0).item() == pytest.approx(0, abs=1e-6)
    assert logits_loss(torch.randn(5, 8), table, top.indices, top.values, 1.0).item() > 0.01
