"""Targets grouped by the input they are predicted from, and samples of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets

INPUTS_AT_ONCE = 64  # keeps a layer's states in the processor's cache


@dataclass(frozen=True)
class InputBatch:
    """B distinct inputs and the n targets that are predicted from them."""

    rows: np.ndarray  # (B,) int64, rows of the users in Histories
    stops: np.ndarray  # (B,) int64, the input is `items[:stop]` of the user's history
    targets: np.ndarray  # (n,) int64, places of the targets in Targets
    target_items: Tensor  # (n,) int64, the items to predict
    input_of_target: Tensor  # (n,) int64, which of the B inputs each target is predicted from


def batches_by_input(histories: Histories, targets: Targets) -> Iterator[InputBatch]:
    """Batches of distinct inputs, in the order of their lengths; all targets come once.

    Targets that follow the same moment share their input, so a model reads it once.
    """
    users = len(histories.users)
    keys, input_of = np.unique(targets.input_stop * users + targets.row, return_inverse=True)
    target_items = histories.target_items(targets)
    order = np.argsort(input_of, kind="stable")
    firsts = np.arange(0, len(keys), INPUTS_AT_ONCE)
    bounds = np.searchsorted(input_of[order], [*firsts, len(keys)])
    for first, (start, stop) in zip(firsts, pairwise(bounds), strict=True):
        stops, rows = np.divmod(keys[first : first + INPUTS_AT_ONCE], users)
        places = order[start:stop]
        yield InputBatch(
            rows=rows,
            stops=stops,
            targets=places,
            target_items=torch.from_numpy(target_items[places]),
            input_of_target=torch.from_numpy(input_of[places] - first),
        )


def sample_targets(targets: Targets, count: int, seed: int) -> Targets:
    """At most `count` targets, one of each user before a second of any.

    A mean over users varies least when as many users as possible have a target.
    """
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(targets.row))
    by_user = shuffled[np.argsort(targets.row[shuffled], kind="stable")]
    rows = targets.row[by_user]
    # How many targets of the same user come before: 0 for a user's first, 1 for the second.
    turn = np.arange(len(rows)) - np.searchsorted(rows, rows)
    # In random order within a turn: in the order of users, the first ones would always be drawn.
    drawn = np.sort(by_user[np.lexsort((random.random(len(turn)), turn))[:count]])
    return targets.at(drawn)
