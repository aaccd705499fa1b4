"""Neighbours as tables of equal rows, which a graph reads by gathers; and how they lie on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy.sparse import csr_matrix
from torch import Tensor

from slmrec.core.files import read_json, write_json
from slmrec.core.vocabulary import PAD
from slmrec.neighbours.sparse_rows import row_numbers

WEIGHTS, SETTINGS = "neighbours.safetensors", "neighbours.json"
SOURCES = ("graph", "titles", "transitions")


@dataclass(frozen=True)
class NeighbourTable:
    """N neighbours of each of I items, the best first; PAD with weight 0 where there are fewer."""

    items: Tensor  # (I, N) int32
    weights: Tensor  # (I, N) float32, 1 in the mean over all neighbours

    @staticmethod
    def of(matrix: csr_matrix, count: int) -> NeighbourTable:
        """The rows of a matrix (I, I) with at most `count` entries each."""
        rows = row_numbers(matrix)
        order = np.lexsort((matrix.indices, -matrix.data, rows))
        places = (rows, np.arange(len(rows)) - matrix.indptr[rows])
        items = np.full((matrix.shape[0], count), PAD, dtype=np.int32)
        weights = np.zeros((matrix.shape[0], count), dtype=np.float32)
        items[places] = matrix.indices[order]
        # Epsilons of a blend then mean the same on all logs.
        scale = matrix.data.mean() if matrix.nnz else 1.0
        weights[places] = matrix.data[order] / scale
        return NeighbourTable(torch.from_numpy(items), torch.from_numpy(weights))


@dataclass(frozen=True)
class Neighbours:
    """The tables of a run, by SOURCES; those that there are."""

    tables: dict[str, NeighbourTable]
    newest: int  # items of a history, the newest ones, whose neighbours are looked at

    def save(self, neighbours_dir: Path) -> None:
        """Write the tables and the settings into an existing folder."""
        tensors = {
            f"{source}.{name}": tensor
            for source, table in self.tables.items()
            for name, tensor in vars(table).items()
        }
        save_file(tensors, neighbours_dir / WEIGHTS)
        write_json(neighbours_dir / SETTINGS, {"newest": self.newest})

    @staticmethod
    def load(neighbours_dir: Path) -> Neighbours:
        """Read what `save` wrote. Raises UsageError where it is missing."""
        settings = read_json(neighbours_dir / SETTINGS)
        tensors = load_file(neighbours_dir / WEIGHTS)
        tables = {
            source: NeighbourTable(tensors[f"{source}.items"], tensors[f"{source}.weights"])
            for source in SOURCES
            if f"{source}.items" in tensors
        }
        return Neighbours(tables, settings["newest"])
