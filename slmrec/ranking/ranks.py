"""Ranking targets against every item, for anything that can score a history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.batches import right_padded
from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.scorers import Scorer


@dataclass(frozen=True)
class Ranks:
    """Where the N targets of one part ended up, 1 being the best; `top` is each input's ten best items."""

    full: np.ndarray  # (N,) int64, among all candidates
    sampled: np.ndarray | None  # (N,) int64, among the stored negatives, where there are any
    recommended: np.ndarray  # items that stand in at least one list of ten


INPUTS_AT_ONCE = 64  # keeps a layer's states in the processor's cache


def rank_targets(
    scorer: Scorer,
    histories: Histories,
    targets: Targets,
    candidates: Tensor,
    negatives: np.ndarray | None,
) -> Ranks:
    """Rank each target among all candidate items, ties against the model.

    candidates (I,) bool; items of the input are left out where the protocol says so, the target
    itself never. negatives (U, 999), by row of `histories`, give the paper's sampled protocol
    beside it.
    """
    full = np.empty(len(targets.row), dtype=np.int64)
    sampled = np.empty_like(full) if negatives is not None else None
    recommended = np.zeros(len(candidates), dtype=bool)
    for group, rows, stops, place in targets_by_input(histories, targets):
        scores = scorer.score(rows, stops)  # (b, I)
        wanted = torch.from_numpy(
            histories.items[histories.offsets[targets.row[group]] + targets.position[group]]
        )
        lines = torch.from_numpy(place)
        goals = _goals(scores, lines, wanted)
        if sampled is not None and negatives is not None:
            drawn = torch.from_numpy(negatives[targets.row[group]].astype(np.int64))
            sampled[group] = (
                1 + (scores[lines[:, None], drawn] >= goals[:, None]).sum(dim=1).numpy()
            )
        leave_out(scores, histories, rows, stops, candidates)
        # Ties count against us: a constant model must come last. The target's own column is taken
        # back out.
        own = (scores[lines, wanted] >= goals).long()
        full[group] = (1 + (scores[lines] >= goals[:, None]).sum(dim=1) - own).numpy()
        recommended[_lists(scores).numpy()] = True
    return Ranks(full, sampled, np.flatnonzero(recommended))


def _goals(scores: Tensor, lines: Tensor, wanted: Tensor) -> Tensor:
    """Scores of the wanted items (n,); where a model says NaN its target comes last and its rivals first."""
    goals = (
        scores[lines, wanted].nan_to_num(nan=-torch.inf).clamp(min=torch.finfo(scores.dtype).min)
    )
    scores.nan_to_num_(nan=torch.inf, posinf=torch.inf, neginf=-torch.inf)
    return goals


def _lists(scores: Tensor) -> Tensor:
    """Items that stand in a list of ten; lists are shorter where fewer items are left."""
    best = torch.topk(scores, min(10, scores.shape[1]), dim=1)
    return best.indices[best.values > -torch.inf].unique()


def leave_out(
    scores: Tensor, histories: Histories, rows: np.ndarray, stops: np.ndarray, candidates: Tensor
) -> None:
    """Set to -inf what must not be ranked: all but candidates, and items of the input where the protocol says so."""
    scores[:, ~candidates] = -torch.inf
    if histories.protocol.exclude_seen:
        seen = torch.from_numpy(right_padded(histories, rows, stops, int(stops.max())))
        scores.scatter_(1, seen, -torch.inf)


def targets_by_input(
    histories: Histories, targets: Targets
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Distinct inputs in batches, similar lengths together: (targets of the batch, rows, stops, line of each target).

    Targets of one moment share their input, so it is read once.
    """
    batch = INPUTS_AT_ONCE
    key = targets.input_stop * len(histories.users) + targets.row
    distinct, inverse = np.unique(key, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    bounds = np.searchsorted(inverse[order], np.arange(0, len(distinct) + batch, batch))
    for number, (first, last) in enumerate(pairwise(bounds)):
        inputs = distinct[number * batch : (number + 1) * batch]
        if len(inputs):
            group = order[first:last]
            yield (
                group,
                inputs % len(histories.users),
                inputs // len(histories.users),
                inverse[group] - number * batch,
            )


def candidate_mask(items: int, listed: np.ndarray) -> Tensor:
    """Items that may be recommended: the listed ones, never PAD or UNK.  # (items,) bool"""
    mask = torch.zeros(items, dtype=torch.bool)
    mask[torch.from_numpy(listed.astype(np.int64))] = True
    mask[:FIRST_ITEM] = False
    return mask


def sample_targets(targets: Targets, most: int, seed: int) -> Targets:
    """At most `most` targets, one of each user before a second of any, so that means over users stay sharp."""
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(targets.row))
    by_user = shuffled[np.argsort(targets.row[shuffled], kind="stable")]
    rows = targets.row[by_user]
    turn = np.arange(len(rows)) - np.searchsorted(
        rows, rows
    )  # how many of the same user come before
    # Within a turn by chance: in the order of users the first ones would stand for all.
    kept = np.sort(by_user[np.lexsort((random.random(len(turn)), turn))[:most]])
    return Targets(targets.row[kept], targets.position[kept], targets.input_stop[kept])
