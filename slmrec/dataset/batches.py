"""Training batches: windows of similar length together, so that hardly anything is computed for padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.histories import Histories, Windows


@dataclass(frozen=True)
class Batch:
    """B windows, right-padded to T; a target of PAD marks a position that is not real."""

    windows: Tensor  # (B,) rows of Histories.windows
    items: Tensor  # (B, T) inputs
    targets: Tensor  # (B, T) the next item of each input

    @property
    def real(self) -> Tensor:
        """Mask of the positions that have a target.  # (B, T)"""
        return self.targets != PAD

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
        items = torch.where(hidden & (self.items != PAD), UNK, self.items)
        return Batch(self.windows, items, self.targets)

    def share(self, process: int, processes: int) -> tuple[Batch, float]:
        """Every `processes`-th window, and the weight of a mean over its positions.

        The mean over processes of weighted means is the mean over the whole batch. A process that
        gets no window takes one with weight 0, since it must take part in the exchange of
        gradients.
        """
        if processes == 1:
            return self, 1.0
        mine = slice(process, None, processes) if process < len(self.windows) else slice(0, 1)
        part = Batch(self.windows[mine], self.items[mine], self.targets[mine])
        share = int(part.real.sum()) / int(self.real.sum()) if process < len(self.windows) else 0.0
        return part, processes * share

    def to(self, device: torch.device) -> Batch:
        """The batch with what a model reads on `device`; which windows it holds stays on the CPU."""
        return Batch(self.windows, self.items.to(device), self.targets.to(device))


def batches_of_epoch(
    histories: Histories, positions_per_batch: int, seed: int, epoch: int
) -> list[np.ndarray]:
    """Rows of the windows of each batch: batches in random order, each holding windows of similar length.

    A batch holds at most `positions_per_batch` positions, padding included. The same (seed, epoch)
    gives the same batches.
    """
    random = np.random.default_rng((seed, epoch))
    lengths = histories.windows.positions
    shuffled = random.permutation(len(lengths))
    groups = by_length(shuffled, lengths[shuffled], positions_per_batch)
    return [groups[index] for index in random.permutation(len(groups))]


def by_length(rows: np.ndarray, lengths: np.ndarray, positions_per_batch: int) -> list[np.ndarray]:
    """Rows of windows in groups of similar length, each at most `positions_per_batch` positions, padding included."""
    order = np.argsort(lengths, kind="stable")
    return np.split(rows[order], _cuts(lengths[order], positions_per_batch))


def _cuts(rising: np.ndarray, positions_per_batch: int) -> list[int]:
    """Where to cut windows of rising length so that rows x longest stays within the budget."""
    cuts, first = [], 0
    for place, length in enumerate(rising.tolist()):
        if place > first and (place - first + 1) * length > positions_per_batch:
            cuts.append(place)
            first = place
    return cuts


def make_batch(histories: Histories, rows: np.ndarray) -> Batch:
    """Gather the windows in `rows` of `histories.windows`, right-padded."""
    windows: Windows = histories.windows
    lengths = windows.positions[rows]  # (B,)
    first = histories.offsets[windows.row[rows]] + windows.start[rows]  # (B,)
    steps = np.arange(lengths.max())  # (T,)
    real = steps < lengths[:, None]  # (B, T)
    places = np.where(real, first[:, None] + steps, 0)
    items = np.where(real, histories.items[places], PAD)
    targets = np.where(real, histories.items[places + real], PAD)
    return Batch(torch.from_numpy(rows.copy()), torch.from_numpy(items), torch.from_numpy(targets))


def epoch_of_batches(
    histories: Histories, positions_per_batch: int, seed: int, epoch: int, first: int
) -> Iterator[Batch]:
    """The batches of one epoch from the `first` on."""
    for rows in batches_of_epoch(histories, positions_per_batch, seed, epoch)[first:]:
        yield make_batch(histories, rows)


def right_padded(
    histories: Histories, rows: np.ndarray, stops: np.ndarray, max_length: int
) -> np.ndarray:
    """The newest `max_length` items before each stop, oldest first.  # (N, T) int64"""
    starts = np.maximum(stops - max_length, 0)
    lengths = stops - starts
    steps = np.arange(lengths.max())
    real = steps < lengths[:, None]
    places = np.where(real, (histories.offsets[rows] + starts)[:, None] + steps, 0)
    return np.where(real, histories.items[places], PAD)


def sampled_windows(histories: Histories, windows: int, seed: int) -> Tensor:
    """Inputs of training windows drawn without repetition, all there are at most.  # (B, T)"""
    count = len(histories.windows.row)
    rows = np.random.default_rng(seed).choice(count, size=min(windows, count), replace=False)
    return make_batch(histories, np.sort(rows)).items
