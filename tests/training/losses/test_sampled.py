"""Losses against drawn negatives agree with the full softmax, and with the papers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slmrec.training.losses.sampled import (
    Drawn,
    SampledSoftTargets,
    gbce_loss,
    sampled_softmax_loss,
    sampled_softmax_loss_with_soft_targets,
)
from slmrec.training.losses.softmax import SoftTargets, softmax_loss_with_soft_targets


def made(
    negatives: torch.Tensor, expected: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Drawn]:
    torch.manual_seed(0)
    vectors, table = (
        torch.randn(20, 8, dtype=torch.float64),
        torch.randn(30, 8, dtype=torch.float64),
    )
    return vectors, table, torch.randint(30, (20,)), drawn_of(negatives, table, expected)


def drawn_of(draws: torch.Tensor, table: torch.Tensor, expected: torch.Tensor) -> Drawn:
    """Draws, of which `expected` (K,) says how often each was to be expected."""
    items, where, times = draws.unique(return_inverse=True, return_counts=True)
    return Drawn(
        items,
        table[items],
        times.double(),
        torch.empty(len(items), dtype=torch.float64).scatter_(0, where, expected.log()),
    )


def test_sampled_softmax_over_every_item_once_is_the_full_softmax():
    vectors, table, targets, drawn = made(torch.arange(30), torch.ones(30, dtype=torch.float64))
    sampled = sampled_softmax_loss(vectors, table[targets], targets, drawn)
    torch.testing.assert_close(sampled, functional.cross_entropy(vectors @ table.T, targets))


def test_the_correction_makes_the_drawn_sum_an_unbiased_estimate_of_the_whole_one():
    # exp(loss) of one position is 1 + the sum over drawn negatives / exp(own score): its mean over
    # many draws is known.
    vectors, table, targets, _ = made(torch.arange(30), torch.ones(30, dtype=torch.float64))
    chances = torch.rand(30, dtype=torch.float64) + 0.2
    chances /= chances.sum()
    draws = torch.multinomial(chances, 400_000, replacement=True)
    drawn = drawn_of(draws, table, chances[draws] * len(draws))
    for row in range(3):
        one = slice(row, row + 1)
        sampled = sampled_softmax_loss(vectors[one], table[targets[one]], targets[one], drawn)
        whole = functional.cross_entropy(vectors[one] @ table.T, targets[one])
        torch.testing.assert_close(sampled.exp(), whole.exp(), rtol=0.02, atol=0)


def test_a_drawn_item_that_is_the_target_is_no_negative():
    vectors, table, targets, _ = made(torch.arange(30), torch.ones(30, dtype=torch.float64))
    only_hits = drawn_of(targets[:1], table, torch.ones(1, dtype=torch.float64))
    vectors.requires_grad_(True)
    loss = sampled_softmax_loss(vectors[:1], table[targets[:1]], targets[:1], only_hits)
    loss.backward()
    assert loss.item() == 0 and vectors.grad is not None and not vectors.grad.any()


def test_a_negative_drawn_twice_counts_twice():
    once, twice = torch.tensor([3, 4, 5]), torch.tensor([3, 4, 4, 5])
    vectors, table, targets, drawn = made(twice, torch.ones(4, dtype=torch.float64))
    heavier = drawn_of(once, table, torch.tensor([1, 0.5, 1], dtype=torch.float64))
    loss = sampled_softmax_loss(vectors, table[targets], targets, drawn)
    torch.testing.assert_close(
        loss, sampled_softmax_loss(vectors, table[targets], targets, heavier)
    )
    scores = vectors @ table.T
    plain = (
        functional.logsigmoid(-scores[:, twice])
        .sum(1)
        .masked_fill((targets[:, None] == twice).any(1), 0)
    )
    away = ~(targets[:, None] == twice).any(1)
    found = gbce_loss(vectors[away], table[targets[away]], targets[away], drawn, 30, 0.0)
    own = functional.logsigmoid(scores.gather(1, targets[:, None])[:, 0])
    torch.testing.assert_close(found, -(own + plain)[away].mean() / (4 + 1))


@pytest.mark.parametrize("calibration", [0.0, 0.75, 1.0])
def test_gbce_is_the_papers_formula(calibration):
    negatives = torch.tensor([3, 4, 5])
    vectors, table, _, drawn = made(negatives, torch.ones(3, dtype=torch.float64))
    targets = torch.arange(10, 30)
    rate = 3 / (30 - 1)
    power = rate * (calibration * (1 - 1 / rate) + 1 / rate)  # equation 14
    own, others = (
        torch.sigmoid((vectors * table[targets]).sum(1)),
        torch.sigmoid(vectors @ table[negatives].T),
    )
    plain = -(torch.log(own**power) + torch.log(1 - others).sum(1)).mean() / (3 + 1)
    torch.testing.assert_close(
        gbce_loss(vectors, table[targets], targets, drawn, 30, calibration), plain
    )


def soft_targets(table: torch.Tensor, top: int = 6) -> SampledSoftTargets:
    """What a teacher of random scores recommends at 20 positions."""
    log_probs, items = torch.randn(20, 30, dtype=torch.float64).log_softmax(dim=1).topk(top, dim=1)
    return SampledSoftTargets(torch.arange(30), table, items, log_probs)


def test_imitation_against_every_item_once_is_that_of_the_full_softmax():
    vectors, table, targets, drawn = made(torch.arange(30), torch.ones(30, dtype=torch.float64))
    top = soft_targets(table)
    found = sampled_softmax_loss_with_soft_targets(vectors, table[targets], targets, drawn, top)
    whole = softmax_loss_with_soft_targets(
        vectors, table, targets, SoftTargets(top.places, top.log_probs), (1.0, 1.0), 7
    )
    torch.testing.assert_close(found, whole)
    assert found[1] > 0.1


def test_items_counted_in_full_are_not_counted_again_where_they_are_drawn():
    vectors, table, targets, _ = made(torch.arange(30), torch.ones(30, dtype=torch.float64))
    top = soft_targets(table, top=29)
    draws = torch.tensor([3, 3, 8, 29])
    drawn = drawn_of(draws, table, torch.full((4,), 4 / 30, dtype=torch.float64))
    ranking, _ = sampled_softmax_loss_with_soft_targets(
        vectors, table[targets], targets, drawn, top
    )
    left = [
        sorted(set(range(30)) - set(row.tolist()) - {int(goal)})
        for row, goal in zip(top.places, targets, strict=True)
    ]
    scores = vectors @ table.T
    counted = scores.clone()
    for row, items in enumerate(left):
        for item in (
            items
        ):  # one at most; of those 3, 8 and 29 stand for others by how often they were drawn
            times = int((draws == item).sum())
            counted[row, item] = (
                scores[row, item] + torch.tensor(times * 30 / 4, dtype=torch.float64).log()
            )
    torch.testing.assert_close(ranking, functional.cross_entropy(counted, targets))
