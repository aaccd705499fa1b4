"""Models that go on from those of the published version: the champion's, an input of the run.

`prepare` hands them on from data/index/champion, so that they belong to the data version. Items
keep their index from one version to the next, and so their rows of the item embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM, UNK
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import read_weights

IDS, SOURCE = "item_embedding.ids", "item_embedding.source"
Begin = Callable[[SequenceModel], None]  # what is done to a new model before it is trained


def go_on_from(champion_dir: Path, histories: Histories, name: str, model: SequenceModel) -> None:
    """Copy the weights of the champion's model in `champion_dir`, and say so; if there is one.

    Rows of items that the champion did not know begin as the mean of the rows that stand beside
    them in training histories, or as UNK's. Where shapes differ, because settings changed, the
    model stays as it is; `name` is what the line on the terminal calls it.
    """
    if not champion_dir.is_dir():
        return
    weights = read_weights(champion_dir / "model.safetensors")
    parameters = dict(model.named_parameters())
    if why := _why_not(parameters, weights):
        print(f"{name}: starts anew, the champion's does not fit: {why}", flush=True)
        return
    ids = parameters.pop(IDS)
    source = weights[SOURCE]
    known = torch.zeros(len(ids), dtype=torch.bool)
    known[: len(source)] = source == torch.arange(len(source))
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(weights[key])
        ids.copy_(_grown(weights[IDS], known, histories))
    trained = ~model.item_embedding.is_new().cpu()
    trained[:FIRST_ITEM] = False
    counts = f"{int((known & trained).sum())} items known, {int((trained & ~known).sum())} new"
    print(f"{name}: goes on from the champion's, {counts}", flush=True)


def _why_not(parameters: dict[str, torch.nn.Parameter], weights: dict[str, Tensor]) -> str:
    """What differs between a model's parameters and the champion's weights; empty if they fit."""
    for key, parameter in parameters.items():
        if key not in weights:
            return f"it has no {key}"
        seen, wanted = list(weights[key].shape), list(parameter.shape)
        grows = key == IDS and seen[1:] == wanted[1:] and seen[0] <= wanted[0]
        if seen != wanted and not grows:
            return f"{key} is {seen}, params.yaml asks for {wanted}"
    return ""


def _grown(ids: Tensor, known: Tensor, histories: Histories) -> Tensor:
    """The champion's rows, and rows for the items that it did not know.  # (I, E)"""
    rows = ids[UNK].repeat(len(known), 1)
    rows[known] = ids[known[: len(ids)]]
    left, right = _adjacent(histories)
    places = torch.from_numpy(np.stack([[*left, *right], [*right, *left]])).long()  # (2, 2 * P)
    informs = ~known[places[0]] & known[places[1]] & (places[1] >= FIRST_ITEM)
    item, beside = places[:, informs]
    sums = torch.zeros_like(rows).index_add_(0, item, rows[beside])
    counts = torch.bincount(item, minlength=len(rows))
    return torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], rows)


def _adjacent(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Items of the pairs of training events that follow each other in one history.  # (P,) each"""
    trained, lengths = histories.in_training(), np.diff(histories.offsets)
    users = np.repeat(np.arange(len(lengths)), lengths)
    pairs = (users[:-1] == users[1:]) & trained[:-1] & trained[1:]
    return histories.items[:-1][pairs], histories.items[1:][pairs]
