"""Batches: inputs beside the items that follow them, and how processes share them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.batches import make_batch, sampled_windows
from tests.support.histories import histories_of, ring_histories

HISTORIES = ring_histories(60, 20, 12)
# The windows are all items but the last two: 2, 3, 4, 5 and 8, 9.
SMALL = make_batch(histories_of([[2, 3, 4, 5, 6, 7], [8, 9, 10, 11]], 5), np.arange(2))


def test_each_input_is_followed_by_its_target_and_pads_stand_on_the_right() -> None:
    assert SMALL.items.tolist() == [[2, 3, 4], [8, PAD, PAD]]
    assert SMALL.targets.tolist() == [[3, 4, 5], [9, PAD, PAD]]
    assert SMALL.windows.tolist() == [0, 1]


def test_a_batch_of_many_windows_holds_each_of_them_whole() -> None:
    batch = make_batch(HISTORIES, np.arange(60))
    for row, (user, start, stop) in enumerate(HISTORIES.window_bounds()):
        window = HISTORIES.history(user, start, stop).tolist()
        pads = [PAD] * (batch.items.shape[1] - len(window) + 1)
        assert batch.items[row].tolist() == window[:-1] + pads
        assert batch.targets[row].tolist() == window[1:] + pads


def test_what_is_at_real_positions_is_taken_in_order_and_nothing_of_a_pad() -> None:
    assert SMALL.real_targets.tolist() == [3, 4, 5, 9]
    states = torch.arange(6.0).view(2, 3, 1)
    assert SMALL.at_real(states).flatten().tolist() == [0, 1, 2, 3]


def test_a_batch_without_padding_hands_states_on_without_a_copy() -> None:
    full = make_batch(histories_of([[2, 3, 4, 5], [6, 7, 8, 9]], 5), np.arange(2))
    states = torch.zeros(2, 1, 3)
    assert full.at_real(states).data_ptr() == states.data_ptr()


def test_unknowns_replace_a_share_of_the_inputs_and_never_a_pad_or_a_target() -> None:
    batch = make_batch(HISTORIES, np.arange(60))
    hidden = batch.with_unknowns(0.3, torch.Generator().manual_seed(1))
    changed = hidden.items != batch.items
    assert (hidden.items[changed] == UNK).all()
    assert 0.2 < changed.sum().item() / batch.real.sum().item() < 0.4
    assert (hidden.items[~batch.real] == PAD).all()
    assert torch.equal(hidden.targets, batch.targets)


@pytest.mark.parametrize(("windows", "processes"), [(30, 2), (7, 3), (1, 2), (5, 1)])
def test_the_mean_over_processes_is_the_mean_over_all_positions(
    windows: int, processes: int
) -> None:
    batch = make_batch(HISTORIES, np.arange(windows))
    figures = torch.arange(HISTORIES.items.max() + 1).float() ** 2
    shares = [batch.share(process, processes) for process in range(processes)]
    means = [weight * figures[part.real_targets].mean() for part, weight in shares]
    torch.testing.assert_close(sum(means) / processes, figures[batch.real_targets].mean())
    taken = [row for part, weight in shares if weight for row in part.windows.tolist()]
    assert sorted(taken) == list(range(windows))


def test_windows_are_sampled_without_repetition_and_all_there_are_at_most() -> None:
    def inputs(count: int, seed: int) -> list[tuple[int, ...]]:
        rows = sampled_windows(HISTORIES, count, seed).tolist()
        return [tuple(item for item in row if item != PAD) for row in rows]

    bounds = HISTORIES.window_bounds()
    windows = [tuple(HISTORIES.history(row, start, stop - 1)) for row, start, stop in bounds]
    assert sorted(inputs(1000, seed=1)) == sorted(windows)
    assert inputs(10, seed=1) == inputs(10, seed=1) != inputs(10, seed=2)
    assert len(inputs(10, seed=1)) == 10
