"""Negatives: how often each is expected, and that they hang on the seed of the step alone."""

from __future__ import annotations

import torch

from slmrec.training.losses.negative_sampler import NegativeSampler
from tests.support.histories import histories_of, ring_histories

# In windows: 2 four times, 3 twice, 4 and 5 once.
COUNTED = histories_of([[2, 2, 2, 3, 4, 9, 9], [2, 5, 3, 9, 9]], max_length=9)
RING = ring_histories(60, 12, 8)


def test_expected_counts_are_those_of_many_draws() -> None:
    sampler = NegativeSampler(torch.tensor([1, 2, 3, 4, 5]), 0.5, COUNTED)
    torch.manual_seed(1)
    items, counts, log_expected = sampler.draw(100_000)
    assert items.tolist() == [1, 2, 3, 4, 5]
    by_frequency = torch.tensor([0, 4, 2, 1, 1]) / 8
    expected = (0.5 / 5 + 0.5 * by_frequency) * 100_000
    torch.testing.assert_close(counts, expected, rtol=0.03, atol=0)
    torch.testing.assert_close(log_expected.exp(), expected)


def test_uniform_draws_ignore_how_often_items_are_trained_on() -> None:
    sampler = NegativeSampler(torch.tensor([1, 2, 3, 4, 5]), 1.0, COUNTED)
    _, counts, log_expected = sampler.draw(100_000)
    torch.testing.assert_close(counts, torch.full((5,), 20_000.0), rtol=0.03, atol=0)
    torch.testing.assert_close(log_expected.exp(), torch.full((5,), 20_000.0))


def draw_counts(sampler: NegativeSampler) -> dict[int, float]:
    """How often each of 20 draws' items came."""
    items, counts, _ = sampler.draw(20)
    assert counts.sum() == 20
    return dict(zip(items.tolist(), counts.tolist(), strict=True))


def test_negatives_hang_on_the_seed_of_the_step_and_not_on_what_was_drawn_before() -> None:
    sampler = NegativeSampler(torch.arange(1, 14), 0.5, RING)
    torch.manual_seed(7)
    first = draw_counts(sampler)
    torch.rand(100)
    assert draw_counts(sampler) == first
    torch.manual_seed(8)
    assert draw_counts(sampler) != first
