"""Which windows form a batch: each once an epoch, those of similar length together."""

from __future__ import annotations

import numpy as np
import pytest

from slmrec.dataset.batches import make_batch
from slmrec.dataset.batching import batches_of_epoch, grouped_by_length
from tests.support.histories import ring_histories

HISTORIES = ring_histories(60, 20, 12)


def test_every_window_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    epochs = [
        np.concatenate(batches_of_epoch(HISTORIES, 50, seed=1, epoch=epoch)) for epoch in (0, 1)
    ]
    assert all(sorted(rows.tolist()) == list(range(60)) for rows in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    again = np.concatenate(batches_of_epoch(HISTORIES, 50, seed=1, epoch=0))
    assert again.tolist() == epochs[0].tolist()


def test_a_batch_stays_within_its_positions_and_pads_little() -> None:
    batches = [
        make_batch(HISTORIES, rows) for rows in batches_of_epoch(HISTORIES, 50, seed=1, epoch=0)
    ]
    assert all(batch.items.numel() <= 50 for batch in batches)
    padded = sum(batch.items.numel() for batch in batches)
    assert padded < 1.1 * HISTORIES.windows.positions.sum()


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        (6, [[13, 11], [14], [10], [12]]),  # 2 x 2, 1 x 3, 1 x 5, 1 x 6; 3 x 3 would be 9
        (9, [[13, 11, 14], [10], [12]]),  # 3 x 3, then 1 x 5, since 2 x 6 would be 12
        (12, [[13, 11, 14], [10, 12]]),  # 3 x 3, since 4 x 5 would be 20; 2 x 6
        (1, [[13], [11], [14], [10], [12]]),  # a window longer than the budget stands alone
    ],
)
def test_a_group_is_cut_where_rows_times_longest_would_exceed_the_budget(
    positions: int, expected: list[list[int]]
) -> None:
    rows, lengths = np.array([10, 11, 12, 13, 14]), np.array([5, 2, 6, 1, 3])
    groups = grouped_by_length(rows, lengths, positions)
    assert [group.tolist() for group in groups] == expected
