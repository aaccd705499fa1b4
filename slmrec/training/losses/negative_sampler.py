"""Negatives of a training step: which items, and how often each is expected."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories

DRAWING = (
    2**41
)  # added to the seed of a step, so that negatives have nothing to do with what else is drawn in it


class Negatives:
    """Draws items: a share of the draws uniform over `candidates` (C,), the others by how often items are trained on.

    The latter are what in-batch negatives stand for, without an exchange between processes. With
    repetition, so that the expected count of an item is exact.
    """

    def __init__(self, candidates: Tensor, uniform_share: float, histories: Histories) -> None:
        trained = histories.training_items()
        self.candidates = candidates
        self.trained = torch.from_numpy(trained).to(candidates.device)
        self.uniform_share = uniform_share
        frequency = np.bincount(trained, minlength=int(candidates[-1]) + 1) / len(trained)
        self.chance = (1 - uniform_share) * torch.from_numpy(frequency).to(
            candidates.device
        ) + uniform_share / len(candidates)  # (I,)

    def draw(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Distinct items, how often each was drawn, and the log of how often each is expected.  # (U,) int64, (U,), (U,) float32"""
        # From the seed of the step, not from where its generator stands: whatever dropout has drawn
        # before, every process of a run, and every term of a loss, meets the same negatives.
        generator = torch.Generator().manual_seed(torch.initial_seed() + DRAWING)
        uniform = round(count * self.uniform_share)
        picks = [
            source[torch.randint(len(source), (number,), generator=generator).to(source.device)]
            for source, number in ((self.candidates, uniform), (self.trained, count - uniform))
        ]
        items, times = torch.cat(picks).unique(return_counts=True)
        return items, times.float(), (self.chance[items] * count).log().float()
