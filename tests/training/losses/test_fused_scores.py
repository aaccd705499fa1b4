"""Scores formed without copies agree with their plain definitions, in value and in gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.training.losses.fused_scores import log_sum_exp_of_scores, scores_at

VECTORS, ITEMS, WIDTH = 9, 12, 5


def random_inputs() -> tuple[Tensor, Tensor]:
    """User vectors and item vectors that learn."""
    torch.manual_seed(0)
    vectors = torch.randn(VECTORS, WIDTH, dtype=torch.float64, requires_grad=True)
    items = torch.randn(ITEMS, WIDTH, dtype=torch.float64, requires_grad=True)
    return vectors, items


def assert_same(fused: Tensor, plain: Tensor, leaves: tuple[Tensor, Tensor]) -> None:
    torch.testing.assert_close(fused, plain)
    outer = torch.randn_like(plain)
    for gradient, expected in zip(
        torch.autograd.grad(fused, leaves, outer),
        torch.autograd.grad(plain, leaves, outer),
        strict=True,
    ):
        torch.testing.assert_close(gradient, expected)


def test_the_log_sum_exp_is_that_of_the_scores_not_excluded() -> None:
    vectors, items = random_inputs()
    offsets, excluded = torch.randn(ITEMS, dtype=torch.float64), torch.rand(VECTORS, ITEMS) < 0.3
    rows, columns = excluded.nonzero().unbind(dim=1)
    plain = (vectors @ items.T + offsets).masked_fill(excluded, -torch.inf).logsumexp(dim=1)
    fused = log_sum_exp_of_scores(vectors, items, offsets, (rows, columns))
    assert_same(fused, plain, (vectors, items))


def test_great_scores_do_not_overflow() -> None:
    vectors, items = random_inputs()
    plain = (1e3 * vectors @ items.T).logsumexp(dim=1)
    nothing, offsets = torch.zeros(0, dtype=torch.int64), torch.zeros(ITEMS, dtype=torch.float64)
    fused = log_sum_exp_of_scores(1e3 * vectors, items, offsets, (nothing, nothing))
    assert_same(fused, plain, (vectors, items))


def test_a_sum_of_nothing_has_no_gradient() -> None:
    vectors, items = random_inputs()
    everything = torch.ones(VECTORS, ITEMS).nonzero().unbind(dim=1)
    offsets = torch.zeros(ITEMS, dtype=torch.float64)
    fused = log_sum_exp_of_scores(vectors, items, offsets, (everything[0], everything[1]))
    assert (fused == -torch.inf).all()
    gradients = torch.autograd.grad(fused.exp().sum(), (vectors, items))
    assert not any(gradient.any() for gradient in gradients)


def test_scores_at_columns_are_those_of_all_scores() -> None:
    vectors, items = random_inputs()
    columns = torch.stack([torch.randperm(ITEMS)[:4] for _ in range(VECTORS)])
    plain = (vectors @ items.T).gather(1, columns)
    assert_same(scores_at(vectors, items, columns), plain, (vectors, items))


def test_items_that_do_not_learn_get_no_gradient() -> None:
    vectors, items = random_inputs()
    frozen, columns = items.detach(), torch.tensor([[1, 2]]).expand(VECTORS, 2)
    plain = (vectors @ frozen.T).gather(1, columns).sum()
    [gradient] = torch.autograd.grad(scores_at(vectors, frozen, columns).sum(), vectors)
    torch.testing.assert_close(gradient, torch.autograd.grad(plain, vectors)[0])
