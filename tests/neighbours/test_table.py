"""Neighbour tables: equal rows, the best first, and what is read is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from slmrec.core.errors import UsageError
from slmrec.neighbours.table import Neighbours, NeighbourTable

MATRIX = csr_matrix(np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 2.0], [0, 1.0, 6.0, 0]]))


def test_rows_hold_the_best_neighbour_first_and_pad_where_there_are_fewer() -> None:
    table = NeighbourTable.of(MATRIX, 3)
    assert table.items.tolist() == [[0, 0, 0], [0, 0, 0], [3, 0, 0], [2, 1, 0]]
    assert table.items.dtype == torch.int32


def test_weights_are_one_in_the_mean() -> None:
    table = NeighbourTable.of(MATRIX, 3)
    assert table.weights[3].tolist() == [2.0, pytest.approx(1 / 3), 0.0]
    assert float(table.weights[table.weights > 0].mean()) == pytest.approx(1.0)


def test_a_matrix_without_entries_gives_a_table_of_pad() -> None:
    table = NeighbourTable.of(csr_matrix((3, 3)), 2)
    assert not table.items.any()
    assert not table.weights.any()


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    table = NeighbourTable.of(MATRIX, 3)
    Neighbours({"titles": table}, 7).save(tmp_path)
    read = Neighbours.load(tmp_path)
    assert list(read.tables) == ["titles"]
    assert read.newest == 7
    assert torch.equal(read.tables["titles"].items, table.items)
    assert torch.equal(read.tables["titles"].weights, table.weights)


def test_a_folder_without_tables_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neighbours\.json is missing; run the stage"):
        Neighbours.load(tmp_path)
