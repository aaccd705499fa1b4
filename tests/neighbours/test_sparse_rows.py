"""Rows of sparse matrices: bounded blocks, and the best entries of each row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from slmrec.neighbours.sparse_rows import best_per_row, row_blocks, row_numbers

MATRIX = np.array(
    [
        [0.0, 3.0, 1.0, 2.0],
        [0.0, 0.0, 0.0, 0.0],
        [2.0, 2.0, 2.0, 1.0],
        [-1.0, 4.0, 0.0, 0.0],
    ]
)


def test_the_largest_entries_stay_and_of_equal_ones_those_of_lower_columns() -> None:
    best = best_per_row(csr_matrix(MATRIX), 2).toarray()
    assert best.tolist() == [
        [0.0, 3.0, 0.0, 2.0],
        [0.0, 0.0, 0.0, 0.0],
        [2.0, 2.0, 0.0, 0.0],
        [0.0, 4.0, 0.0, 0.0],  # what is not positive is dropped
    ]


def test_entries_that_stand_twice_count_as_their_sum() -> None:
    twice = csr_matrix((np.array([1.0, 2.0, 2.5]), np.array([0, 0, 1]), np.array([0, 3])), (1, 2))
    assert best_per_row(twice, 1).toarray().tolist() == [[3.0, 0.0]]


@given(
    st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=8),
    st.integers(1, 6),
)
def test_no_entry_that_was_left_out_is_larger_than_one_that_stayed(
    rows: list[list[int]], count: int
) -> None:
    matrix = np.array(rows, dtype=float)
    best = best_per_row(csr_matrix(matrix), count).toarray()
    for row, kept in zip(matrix, best, strict=True):
        assert (kept > 0).sum() == min((row > 0).sum(), count)
        assert sorted(kept[kept > 0]) == sorted(row[row > 0])[-count:]


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ([3, 3, 3, 3], [(0, 2), (2, 4)]),
        ([10, 1, 1], [(0, 1), (1, 3)]),  # a row alone may be more than is wanted at once
        ([0, 0, 7], [(0, 2), (2, 3)]),
        ([], []),
    ],
)
def test_blocks_hold_at_most_so_much_work_or_one_row(
    work: list[int], expected: list[tuple[int, int]]
) -> None:
    blocks = [(block.start, block.stop) for block in row_blocks(np.array(work), 6)]
    assert blocks == expected


def test_row_numbers_follow_the_stored_entries() -> None:
    assert row_numbers(csr_matrix(MATRIX)).tolist() == [0, 0, 0, 2, 2, 2, 2, 3, 3]
