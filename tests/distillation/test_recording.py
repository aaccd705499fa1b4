"""A teacher is read once, windows of similar length together, and written in order of key."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.distillation.recording import in_row_order, window_spans
from slmrec.distillation.states_writer import StoredOutputs


def test_a_span_starts_at_the_window_that_begins_a_new_multiple_of_positions() -> None:
    # windows begin at positions 0, 2, 5, 6, 13: multiples of 5 are begun by the third and the last
    lengths = np.array([2, 3, 1, 7, 1])
    assert [span.tolist() for span in window_spans(lengths, 5)] == [[0, 1], [2, 3], [4]]
    assert [span.tolist() for span in window_spans(lengths, 100)] == [[0, 1, 2, 3, 4]]


def test_outputs_read_in_any_order_are_put_back_into_that_of_their_rows() -> None:
    parts = [
        StoredOutputs(torch.tensor([3, 1]), torch.tensor([13, 11]), torch.tensor([23, 21])),
        StoredOutputs(torch.tensor([2]), torch.tensor([12]), torch.tensor([22])),
    ]
    ordered = in_row_order(parts, torch.tensor([7, 5, 6]))
    assert [part.tolist() for part in ordered] == [[1, 2, 3], [11, 12, 13], [21, 22, 23]]
