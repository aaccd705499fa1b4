"""Right-padded rows: masks, last positions, and rows cut from histories."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.padding import (
    at_last_positions,
    last_positions,
    padded_slices,
    real_positions,
    right_padded,
)
from tests.support.histories import histories_of

ITEMS = torch.tensor([[5, 3, PAD], [UNK, PAD, PAD], [2, 9, 4]])
HISTORIES = histories_of([[2, 3, 4, 5], [6, 7, 8, 9, 10]], max_length=3)


def test_every_item_is_real_the_unknown_one_too_and_no_pad_is() -> None:
    assert real_positions(ITEMS).tolist() == [
        [True, True, False],
        [True, False, False],
        [True, True, True],
    ]


def test_the_last_position_is_that_before_the_first_pad() -> None:
    assert last_positions(ITEMS).tolist() == [1, 0, 2]


def test_states_are_picked_at_each_rows_own_last_position() -> None:
    states = torch.arange(3 * 3 * 2).view(3, 3, 2)  # row b, position t: 6 b + 2 t and one more
    assert at_last_positions(states, ITEMS).tolist() == [[2, 3], [6, 7], [16, 17]]


def test_slices_of_unlike_lengths_are_padded_on_the_right() -> None:
    indices, real = padded_slices(np.array([4, 0]), np.array([1, 3]))
    assert indices.tolist() == [[4, 0, 0], [0, 1, 2]]
    assert real.tolist() == [[True, False, False], [True, True, True]]


def test_inputs_are_the_newest_items_before_each_stop_oldest_first() -> None:
    rows, stops = np.array([1, 0, 1]), np.array([5, 2, 1])
    assert right_padded(HISTORIES, rows, stops, max_length=3).tolist() == [
        [8, 9, 10],
        [2, 3, PAD],
        [6, PAD, PAD],
    ]
