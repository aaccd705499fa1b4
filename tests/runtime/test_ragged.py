"""Rows of different lengths: cut, padded, put into batches of like length."""

from __future__ import annotations

import numpy as np

from slmrec.runtime.ragged import Ragged, batches_by_length, side_by_side


def ragged(*rows: list[int]) -> Ragged:
    values = np.array([item for row in rows for item in row], dtype=np.int64)
    return Ragged.joined(values, np.array([len(row) for row in rows]))


ALL = np.arange(3)
ROWS = ragged([5], [9, 3, 4], [])


def test_rows_are_padded_on_the_right_to_the_longest_that_was_asked_for() -> None:
    assert ROWS.padded(ALL, least=1).tolist() == [[5, 0, 0], [9, 3, 4], [0, 0, 0]]
    assert ROWS.padded(np.array([2, 0]), least=1).tolist() == [[0], [5]]
    assert ROWS.padded(ALL, least=1).dtype == np.int64


def test_rows_without_an_item_are_as_wide_as_the_least() -> None:
    assert ragged([], []).padded(np.arange(2), least=1).tolist() == [[0], [0]]
    assert ragged([], []).padded(np.arange(2), least=0).shape == (2, 0)
    assert ragged().padded(np.arange(0), least=1).shape == (0, 1)


def test_the_newest_items_are_the_last_ones() -> None:
    assert ROWS.newest(2).padded(ALL, least=1).tolist() == [[5, 0], [3, 4], [0, 0]]


def test_an_array_loses_the_padding_on_its_right_and_nothing_else() -> None:
    rows = Ragged.of_padded(np.array([[5, 0, 0], [0, 3, 0], [0, 0, 0]]))
    assert rows.lengths.tolist() == [1, 2, 0]
    assert rows.padded(ALL, least=1).tolist() == [[5, 0], [0, 3], [0, 0]]


def test_columns_of_an_array_are_rows_too() -> None:
    columns = Ragged.of_padded(np.array([[5, 6], [7, 0]]).T)
    assert columns.padded(np.arange(2), least=1).tolist() == [[5, 7], [6, 0]]


def test_one_row_stands_for_many() -> None:
    assert ragged([7, 8]).repeated(2).padded(np.arange(2), least=1).tolist() == [[7, 8]] * 2


def test_batches_hold_rows_of_like_length_and_every_row_once() -> None:
    lengths = np.array([9, 1, 5, 1, 9])
    batches = [batch.tolist() for batch in batches_by_length(lengths, 2)]
    assert batches == [[1, 3], [2, 0], [4]]
    assert batches_by_length(lengths[:0], 2) == []


def test_parts_stand_side_by_side() -> None:
    both = side_by_side([ROWS, ragged([], [7], [8, 9])], np.array([1, 0]))
    assert both.tolist() == [[9, 3, 4, 7], [5, 0, 0, 0]]
    assert side_by_side([], np.array([1, 0])).shape == (2, 0)


def test_one_row_alone_is_as_wide_as_it_is_long() -> None:
    for row, padded in enumerate([[5], [9, 3, 4], [0]]):
        alone = ROWS.padded(np.array([row]), least=1)
        assert alone.tolist() == [padded]
        assert alone.dtype == np.int64
    assert ROWS.padded(np.array([2]), least=0).shape == (1, 0)
    assert batches_by_length(np.array([3]), 2)[0].tolist() == [0]
