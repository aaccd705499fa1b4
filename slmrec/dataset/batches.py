"""Training batches: windows right-padded to one length, their inputs and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.histories import Histories
from slmrec.dataset.padding import padded_slices, real_positions


@dataclass(frozen=True)
class Batch:
    """B windows, right-padded to T; a target of PAD marks a position that is not real."""

    windows: Tensor  # (B,) rows of Histories.windows
    items: Tensor  # (B, T) inputs
    targets: Tensor  # (B, T) the next item of each input

    @property
    def real(self) -> Tensor:
        """Mask of the positions that have a target.  # (B, T) bool"""
        return real_positions(self.targets)

    @property
    def real_targets(self) -> Tensor:
        """The targets of the real positions, in order.  # (N,)"""
        return self.targets[self.real]

    def at_real(self, states: Tensor) -> Tensor:
        """States (B, T, D) at the real positions, in order.  # (N, D)

        A batch of equally long windows has no other positions; then this is a view, where picking
        would copy and its gradient scatter.
        """
        real = self.real
        return states.flatten(0, 1) if bool(real.all()) else states[real]

    def with_unknowns(self, rate: float, generator: torch.Generator) -> Batch:
        """The batch with a share of its inputs shown as UNK, drawn from `generator`."""
        hidden = torch.rand(self.items.shape, generator=generator) < rate
        items = torch.where(hidden & real_positions(self.items), UNK, self.items)
        return Batch(self.windows, items, self.targets)

    def share(self, process: int, processes: int) -> tuple[Batch, float]:
        """Every `processes`-th window, and the weight of a mean over its positions.

        The mean over processes of weighted means is the mean over the whole batch. A process that
        gets no window takes one with weight 0, since it must take part in the exchange of
        gradients.
        """
        if processes == 1:
            return self, 1.0
        has_windows = process < len(self.windows)
        rows = slice(process, None, processes) if has_windows else slice(0, 1)
        part = Batch(self.windows[rows], self.items[rows], self.targets[rows])
        share = int(part.real.sum()) / int(self.real.sum()) if has_windows else 0.0
        return part, processes * share

    def to(self, device: torch.device) -> Batch:
        """The batch with what a model reads on `device`; the numbers of its windows stay here."""
        return Batch(self.windows, self.items.to(device), self.targets.to(device))


def make_batch(histories: Histories, rows: np.ndarray) -> Batch:
    """Gather the windows in `rows` of `histories.windows`, right-padded."""
    windows = histories.windows
    first = histories.offsets[windows.row[rows]] + windows.start[rows]  # (B,)
    indices, real = padded_slices(first, windows.positions[rows])  # (B, T)
    items = np.where(real, histories.items[indices], PAD)
    targets = np.where(real, histories.items[indices + real], PAD)
    return Batch(torch.from_numpy(rows.copy()), torch.from_numpy(items), torch.from_numpy(targets))


def sampled_windows(histories: Histories, windows: int, seed: int) -> Tensor:
    """Inputs of training windows drawn without repetition, all there are at most.  # (B, T)"""
    count = len(histories.windows.row)
    rows = np.random.default_rng(seed).choice(count, size=min(windows, count), replace=False)
    return make_batch(histories, np.sort(rows)).items
