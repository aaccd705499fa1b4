"""Batches hold every training position once and hardly any padding."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.core.vocabulary import PAD, UNK
from slmrec.dataset.batches import batches_of_epoch, make_batch
from tests.support.histories import ring_histories

HISTORIES = ring_histories(60, 20, 12)


def test_every_window_comes_once_an_epoch_in_an_order_of_its_own():
    epochs = [
        np.concatenate(batches_of_epoch(HISTORIES, 50, seed=1, epoch=epoch)) for epoch in (0, 1)
    ]
    assert all(sorted(rows.tolist()) == list(range(60)) for rows in epochs)
    assert epochs[0].tolist() != epochs[1].tolist()
    again = np.concatenate(batches_of_epoch(HISTORIES, 50, seed=1, epoch=0))
    assert again.tolist() == epochs[0].tolist()


def test_a_batch_stays_within_its_positions_and_pads_little():
    batches = [
        make_batch(HISTORIES, rows) for rows in batches_of_epoch(HISTORIES, 50, seed=1, epoch=0)
    ]
    assert all(batch.items.numel() <= 50 for batch in batches)
    padded = sum(batch.items.numel() for batch in batches)
    assert padded < 1.1 * HISTORIES.windows.positions.sum()


def test_each_input_is_followed_by_its_target_and_pads_stand_on_the_right():
    batch = make_batch(HISTORIES, np.arange(60))
    for row in range(60):
        whole = HISTORIES.history(
            row, int(HISTORIES.windows.start[row]), int(HISTORIES.windows.stop[row])
        ).tolist()
        length = len(whole) - 1
        assert batch.items[row].tolist() == whole[:-1] + [PAD] * (batch.items.shape[1] - length)
        assert batch.targets[row].tolist() == whole[1:] + [PAD] * (batch.items.shape[1] - length)


def test_unknowns_replace_a_share_of_the_inputs_and_never_a_pad_or_a_target():
    batch = make_batch(HISTORIES, np.arange(60))
    hidden = batch.with_unknowns(0.3, torch.Generator().manual_seed(1))
    changed = hidden.items != batch.items
    assert (hidden.items[changed] == UNK).all()
    assert 0.2 < changed.sum().item() / batch.real.sum().item() < 0.4
    assert (hidden.items[~batch.real] == PAD).all()
    assert torch.equal(hidden.targets, batch.targets)
