"""Histories with a structure that a model can learn: users walk a ring of items, step by step."""

from __future__ import annotations

import numpy as np

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories, Protocol, Targets, Windows
from slmrec.params.training import SoftmaxLoss, TrainingParams

TRAINING = TrainingParams(
    epochs=3,
    positions_per_batch=64,
    learning_rate=0.01,
    warmup_steps=5,
    weight_decay=0.01,
    clip_norm=1.0,
    unknown_rate=0.05,
    loss=SoftmaxLoss(kind="softmax", scores_at_once=448),
    patience=3,
    validation_targets=50,
    checkpoint_seconds=60,
)


def histories_of(sequences: list[list[int]], max_length: int) -> Histories:
    """Leave-one-out histories of item indices: the last item is the test target.

    The item before it is the target of validation, all before that the training window.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(len(sequences))
    stops = lengths - 2
    starts = np.maximum(stops - max_length - 1, 0)
    return Histories(
        protocol=Protocol("leave_one_out", max_length, exclude_seen=False),
        users=rows.astype(np.uint32),
        offsets=offsets,
        items=np.concatenate(sequences).astype(np.int64),
        times=np.arange(offsets[-1], dtype=np.int64),
        windows=Windows(rows.astype(np.uint32), rows, starts, stops),
        targets={
            "valid": Targets(rows, lengths - 2, lengths - 2),
            "test": Targets(rows, lengths - 1, lengths - 1),
        },
    )


def ring_histories(users: int, items: int, max_length: int) -> Histories:
    """Users of different lengths on a ring of `items` items, from a seeded start."""
    random = np.random.default_rng(0)
    sequences = []
    for _ in range(users):
        start, length = random.integers(items), random.integers(5, max_length + 5)
        sequences.append([int(FIRST_ITEM + (start + step) % items) for step in range(length)])
    return histories_of(sequences, max_length)
