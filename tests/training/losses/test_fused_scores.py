"""Scores formed without copies agree with their plain definitions, in value and in gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.training.losses.fused_scores import log_sum_of_scores, scores_at

VECTORS, ITEMS, WIDTH = 9, 12, 5


def inputs() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    made = [
        torch.randn(count, WIDTH, dtype=torch.float64, requires_grad=True)
        for count in (VECTORS, ITEMS)
    ]
    return made[0], made[1]


def assert_same(ours: Tensor, plain: Tensor, leaves: tuple[Tensor, Tensor]) -> None:
    torch.testing.assert_close(ours, plain)
    slope = torch.randn_like(plain)
    for mine, theirs in zip(
        torch.autograd.grad(ours, leaves, slope),
        torch.autograd.grad(plain, leaves, slope),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


def test_log_sum_of_scores_is_the_log_sum_exp_of_those_not_left_out():
    vectors, table = inputs()
    offsets, left_out = torch.randn(ITEMS, dtype=torch.float64), torch.rand(VECTORS, ITEMS) < 0.3
    rows, columns = left_out.nonzero().unbind(dim=1)
    plain = (vectors @ table.T + offsets).masked_fill(left_out, -torch.inf).logsumexp(dim=1)
    assert_same(
        log_sum_of_scores(vectors, table, offsets, (rows, columns)), plain, (vectors, table)
    )


def test_great_scores_do_not_overflow():
    vectors, table = inputs()
    plain = (1e3 * vectors @ table.T).logsumexp(dim=1)
    nothing = torch.zeros(0, dtype=torch.int64)
    found = log_sum_of_scores(
        1e3 * vectors, table, torch.zeros(ITEMS, dtype=torch.float64), (nothing, nothing)
    )
    assert_same(found, plain, (vectors, table))


def test_a_sum_of_nothing_has_no_gradient():
    vectors, table = inputs()
    rows, columns = torch.ones(VECTORS, ITEMS).nonzero().unbind(dim=1)
    found = log_sum_of_scores(
        vectors, table, torch.zeros(ITEMS, dtype=torch.float64), (rows, columns)
    )
    assert (found == -torch.inf).all()
    assert not any(
        gradient.any() for gradient in torch.autograd.grad(found.exp().sum(), (vectors, table))
    )


def test_scores_at_places_are_those_of_all_scores():
    vectors, table = inputs()
    places = torch.stack([torch.randperm(ITEMS)[:4] for _ in range(VECTORS)])
    assert_same(
        scores_at(vectors, table, places), (vectors @ table.T).gather(1, places), (vectors, table)
    )


def test_a_table_that_does_not_learn_gets_no_gradient():
    vectors, table = inputs()
    frozen, places = table.detach(), torch.tensor([[1, 2]]).expand(VECTORS, 2)
    plain = (vectors @ frozen.T).gather(1, places).sum()
    (found,) = torch.autograd.grad(scores_at(vectors, frozen, places).sum(), vectors)
    torch.testing.assert_close(found, torch.autograd.grad(plain, vectors)[0])
