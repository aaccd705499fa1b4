"""Rows of different lengths as one array."""

from __future__ import annotations

import numpy as np

from slmrec.runtime.padding import pad_rows


def test_rows_are_padded_on_the_right_to_the_longest() -> None:
    padded = pad_rows([[5], [9, 3, 4], []])
    assert padded.tolist() == [[5, 0, 0], [9, 3, 4], [0, 0, 0]]
    assert padded.dtype == np.int64


def test_arrays_may_be_rows() -> None:
    assert pad_rows([np.array([5, 6]), np.array([7])]).tolist() == [[5, 6], [7, 0]]


def test_rows_without_an_item_are_one_position_wide_as_the_graph_needs() -> None:
    assert pad_rows([[], []]).shape == (2, 1)
    assert pad_rows([]).shape == (0, 1)
