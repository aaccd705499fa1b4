"""Losses against sampled negatives agree with the full softmax, and with the papers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from slmrec.training.losses.sampled import (
    SampledNegatives,
    SampledSoftTargets,
    gbce_loss,
    sampled_softmax_loss,
    sampled_softmax_loss_with_soft_targets,
)
from slmrec.training.losses.softmax import SoftTargets, softmax_loss_with_soft_targets

EACH_ITEM_ONCE = torch.arange(30)
Inputs = tuple[Tensor, Tensor, Tensor]


def inputs() -> Inputs:
    """User vectors (20, 8), vectors of items (30, 8), and targets (20,)."""
    torch.manual_seed(0)
    vectors = torch.randn(20, 8, dtype=torch.float64)
    items = torch.randn(30, 8, dtype=torch.float64)
    return vectors, items, torch.randint(30, (20,))


def negatives_of(draws: Tensor, items: Tensor, expected: Tensor | None = None) -> SampledNegatives:
    """Draws (K,), of which `expected` (K,) says how often each was to be expected; once if None."""
    log_expected = torch.zeros(len(draws)).double() if expected is None else expected.log()
    distinct, where, counts = draws.unique(return_inverse=True, return_counts=True)
    by_item = torch.empty(len(distinct), dtype=torch.float64).scatter_(0, where, log_expected)
    return SampledNegatives(distinct, items[distinct], counts.double(), by_item)


def test_items_are_found_among_the_negatives_and_others_are_not() -> None:
    _, items, _ = inputs()
    negatives = negatives_of(torch.tensor([3, 8, 3, 29]), items)
    assert negatives.items.tolist() == [3, 8, 29] and negatives.counts.tolist() == [2, 1, 1]
    columns, drawn = negatives.columns_of(torch.tensor([[8, 4], [29, 30]]))
    assert drawn.tolist() == [[True, False], [True, False]]
    assert columns[drawn].tolist() == [1, 2]


def test_sampled_softmax_over_every_item_once_is_the_full_softmax() -> None:
    vectors, items, targets = inputs()
    negatives = negatives_of(EACH_ITEM_ONCE, items)
    sampled = sampled_softmax_loss(vectors, items[targets], targets, negatives)
    torch.testing.assert_close(sampled, functional.cross_entropy(vectors @ items.T, targets))


def test_the_correction_makes_the_sampled_sum_an_unbiased_estimate_of_the_whole_one() -> None:
    # exp(loss) of one position is 1 + the sum over negatives / exp(target's score): its mean over
    # many draws is known.
    vectors, items, targets = inputs()
    chances = torch.rand(30, dtype=torch.float64) + 0.2
    chances /= chances.sum()
    draws = torch.multinomial(chances, 400_000, replacement=True)
    negatives = negatives_of(draws, items, chances[draws] * len(draws))
    for row in range(3):
        position = slice(row, row + 1)
        vector, target = vectors[position], targets[position]
        sampled = sampled_softmax_loss(vector, items[target], target, negatives)
        full = functional.cross_entropy(vector @ items.T, target)
        torch.testing.assert_close(sampled.exp(), full.exp(), rtol=0.02, atol=0)


def test_a_drawn_item_that_is_the_target_is_no_negative() -> None:
    vectors, items, targets = inputs()
    only_hits = negatives_of(targets[:1], items)
    vectors.requires_grad_(True)
    loss = sampled_softmax_loss(vectors[:1], items[targets[:1]], targets[:1], only_hits)
    loss.backward()
    assert loss.item() == 0 and vectors.grad is not None and not vectors.grad.any()


def test_a_negative_drawn_twice_counts_twice_in_the_softmax() -> None:
    vectors, items, targets = inputs()
    twice = negatives_of(torch.tensor([3, 4, 4, 5]), items)
    expected = torch.tensor([1, 0.5, 1], dtype=torch.float64)  # half as often: twice the weight
    heavier = negatives_of(torch.tensor([3, 4, 5]), items, expected)
    torch.testing.assert_close(
        sampled_softmax_loss(vectors, items[targets], targets, twice),
        sampled_softmax_loss(vectors, items[targets], targets, heavier),
    )


def test_a_negative_drawn_twice_counts_twice_in_gbce() -> None:
    vectors, items, targets = inputs()
    draws = torch.tensor([3, 4, 4, 5])
    away = ~(targets[:, None] == draws).any(1)  # positions whose target was not drawn
    scores = vectors @ items.T
    others = functional.logsigmoid(-scores[:, draws]).sum(1)
    target_terms = functional.logsigmoid(scores.gather(1, targets[:, None])[:, 0])
    loss = gbce_loss(
        vectors[away], items[targets[away]], targets[away], negatives_of(draws, items), 30, 0.0
    )
    torch.testing.assert_close(loss, -(target_terms + others)[away].mean() / (4 + 1))


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_gbce_is_the_papers_formula(calibration: float) -> None:
    draws = torch.tensor([3, 4, 5])
    vectors, items, _ = inputs()
    targets = torch.arange(10, 30)
    rate = 3 / (30 - 1)
    power = rate * (calibration * (1 - 1 / rate) + 1 / rate)  # equation 14
    positives = torch.sigmoid((vectors * items[targets]).sum(1))
    others = torch.sigmoid(vectors @ items[draws].T)
    plain = -(torch.log(positives**power) + torch.log(1 - others).sum(1)).mean() / (3 + 1)
    negatives = negatives_of(draws, items)
    loss = gbce_loss(vectors, items[targets], targets, negatives, 30, calibration)
    torch.testing.assert_close(loss, plain)


def test_in_gbce_a_drawn_item_that_is_the_target_is_no_negative() -> None:
    vectors, items, targets = inputs()
    only_hits = negatives_of(targets[:1], items)
    loss = gbce_loss(vectors[:1], items[targets[:1]], targets[:1], only_hits, 30, 0.0)
    score = (vectors[0] * items[targets[0]]).sum().item()
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-score)) / (1 + 1))


def random_soft_targets(items: Tensor, top: int = 6) -> SampledSoftTargets:
    """What a teacher of random scores recommends at 20 positions."""
    scores = torch.randn(20, 30, dtype=torch.float64)
    log_probs, indices = scores.log_softmax(dim=1).topk(top, dim=1)
    return SampledSoftTargets(torch.arange(30), items, indices, log_probs)


def test_soft_targets_against_every_item_once_are_those_of_the_full_softmax() -> None:
    vectors, items, targets = inputs()
    top = random_soft_targets(items)
    sampled = sampled_softmax_loss_with_soft_targets(
        vectors, items[targets], targets, negatives_of(EACH_ITEM_ONCE, items), top
    )
    full = softmax_loss_with_soft_targets(
        vectors, items, targets, SoftTargets(top.columns, top.log_probs), (1.0, 1.0), 7
    )
    torch.testing.assert_close(sampled, full)
    assert sampled[1] > 0.1


def test_items_counted_in_full_are_not_counted_again_where_they_are_drawn() -> None:
    vectors, items, targets = inputs()
    top = random_soft_targets(items, top=29)
    draws = torch.tensor([3, 3, 8, 29])
    expected = torch.full((4,), 4 / 30, dtype=torch.float64)
    hard, _ = sampled_softmax_loss_with_soft_targets(
        vectors, items[targets], targets, negatives_of(draws, items, expected), top
    )
    scores = vectors @ items.T
    counted = scores.clone()
    for row, (top_items, target) in enumerate(zip(top.columns.tolist(), targets, strict=True)):
        # One item at most is left; of those 3, 8 and 29 stand for others by how often they were
        # drawn, and any other for none.
        for item in set(range(30)) - set(top_items) - {int(target)}:
            times = int((draws == item).sum())
            weight = torch.tensor(times * 30 / 4, dtype=torch.float64)
            counted[row, item] = scores[row, item] + weight.log()
    torch.testing.assert_close(hard, functional.cross_entropy(counted, targets))
