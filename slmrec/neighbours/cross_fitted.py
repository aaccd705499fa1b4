"""Neighbours as a member of the ensemble that students imitate: graphs of other users' events.

The graph of all training events holds the very pair that a training position asks for, so a student
would learn what no served history tells. Users are dealt into folds, and each user's positions are
scored by the graph of the other folds (cross-fitting, Chernozhukov et al. 2018, arXiv 1608.00060).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import pad

from slmrec.core.files import read_json, write_json
from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories
from slmrec.neighbours.item_graph import item_graph
from slmrec.neighbours.table import NeighbourTable
from slmrec.params.neighbours import NeighboursParams
from slmrec.params.record_states import NeighbourMemberParams

TABLES, SETTINGS = "cross_fitted.safetensors", "cross_fitted.json"


@dataclass(frozen=True)
class CrossFittedNeighbours:
    """F tables of N neighbours for each of I items; fold f's is of the users of the other folds."""

    items: Tensor  # (F, I, N) int32
    weights: Tensor  # (F, I, N) float32
    decays: Tensor  # (R,), of the item n steps before the newest
    weight: float
    epsilon: float

    @staticmethod
    def of(
        histories: Histories, items: int, p: NeighboursParams, member: NeighbourMemberParams
    ) -> CrossFittedNeighbours:
        """The graphs of section `neighbours`, one a fold; `items` counts all indices."""
        windows = histories.windows
        tables = []
        for fold in range(member.folds):
            others = windows.at(np.flatnonzero(windows.row % member.folds != fold))
            graph = item_graph(replace(histories, windows=others), items, p.graph, p.count)
            tables.append(NeighbourTable.of(graph, p.count))
        return CrossFittedNeighbours(
            torch.stack([table.items for table in tables]),
            torch.stack([table.weights for table in tables]),
            member.decay ** torch.arange(float(p.newest)),
            member.weight,
            member.epsilon,
        )

    def scores(self, items: Tensor, real: Tensor, users: Tensor) -> Tensor:
        """`weight * log(1 + sum / epsilon)` of every item at the real positions (B, T), in order.

        Of right-padded items (B, T), read by users (B,), which are rows of the histories. Position
        t sees the items up to its own.  # (n, I), n = real.sum()
        """
        steps = len(self.decays)
        recent = pad(items, (steps - 1, 0), value=PAD).unfold(1, steps, 1).flip(2)  # (B, T, R)
        fold = (users % len(self.items))[:, None].expand_as(items)[real]  # (n,)
        places = fold[:, None], recent[real]
        neighbours = self.items[places].long().flatten(1)  # (n, R * N)
        weights = (self.weights[places] * self.decays[:, None]).flatten(1)
        sums = weights.new_zeros(len(fold), self.items.shape[1])
        sums.scatter_add_(1, neighbours, weights)
        # In place: at 200,000 items one copy of the scores takes gigabytes.
        return sums.div_(self.epsilon).log1p_().mul_(self.weight)

    def to(self, device: torch.device) -> CrossFittedNeighbours:
        """The same on a device."""
        tables = {name: getattr(self, name).to(device) for name in ("items", "weights", "decays")}
        return replace(self, **tables)

    def save(self, folder: Path) -> None:
        """Write the tables and the settings into an existing folder."""
        tensors = {"items": self.items, "weights": self.weights, "decays": self.decays}
        save_file(tensors, folder / TABLES)
        write_json(folder / SETTINGS, {"weight": self.weight, "epsilon": self.epsilon})

    @staticmethod
    def load(folder: Path) -> CrossFittedNeighbours | None:
        """Read what `save` wrote; None where nothing was."""
        if not (folder / SETTINGS).exists():
            return None
        tables, settings = load_file(folder / TABLES), read_json(folder / SETTINGS)
        return CrossFittedNeighbours(
            tables["items"],
            tables["weights"],
            tables["decays"],
            settings["weight"],
            settings["epsilon"],
        )
