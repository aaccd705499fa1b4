"""Negatives of a training step: which items, and how often each is expected."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories

# Added to the seed of a step: negatives are independent of what else the step draws.
NEGATIVES_SEED_OFFSET = 2**41


class NegativeSampler:
    """Draws items with repetition, so that the expected count of an item is exact.

    A share of the draws is uniform over `candidates` (C,), the others follow how often items are
    trained on, which is what in-batch negatives stand for, without an exchange between processes.
    Every item that is trained on is among the candidates.
    """

    def __init__(self, candidates: Tensor, uniform_share: float, histories: Histories) -> None:
        training_items = histories.training_items()
        device = candidates.device
        self.candidates = candidates
        self.training_items = torch.from_numpy(training_items).to(device)
        self.uniform_share = uniform_share
        counts = np.bincount(training_items, minlength=int(candidates[-1]) + 1)
        frequency = torch.from_numpy(counts / len(training_items)).to(device)
        uniform = uniform_share / len(candidates)
        self.chance = (1 - uniform_share) * frequency + uniform  # (I,) of an item, in each draw

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Distinct items, how often each was drawn, and the log of how often it is expected.

        # (U,) int64 ascending, (U,), (U,) float32
        """
        # From the seed of the step, not from where its generator stands: whatever dropout has drawn
        # before, every process of a run, and every part of a loss, gets the same negatives.
        seed = torch.initial_seed() + NEGATIVES_SEED_OFFSET
        generator = torch.Generator().manual_seed(seed)
        uniform = round(count * self.uniform_share)
        draws = [
            source[torch.randint(len(source), (number,), generator=generator).to(source.device)]
            for source, number in (
                (self.candidates, uniform),
                (self.training_items, count - uniform),
            )
        ]
        items, counts = torch.cat(draws).unique(return_counts=True)
        return items, counts.float(), (self.chance[items] * count).log().float()
