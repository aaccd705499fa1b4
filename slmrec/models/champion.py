"""Models that go on from those of the published version: the champion's, an input of the run.

`prepare` hands them on from data/index/champion, so that they belong to the data version. Items
keep their index from one version to the next, and so their rows of the item embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slmrec.core.trained_on import TrainedOn, read_trained_on
from slmrec.core.vocabulary import FIRST_ITEM, UNK
from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import WEIGHTS, read_weights

IDS, SOURCE = "item_embedding.ids", "item_embedding.source"
# What is done to a new model before it is trained; whether it now has a trained model's weights.
Begin = Callable[[SequenceModel], bool]


@dataclass(frozen=True)
class Champion:
    """Models that `prepare` handed on; their places are those of artifacts/."""

    folder: Path
    histories: Histories  # that models are to go on with
    why_not: str  # why none may go on from them; empty where one may

    @staticmethod
    def of(folder: Path, histories: Histories) -> Champion:
        """The models in a folder, which may hold none."""
        trained_on = read_trained_on(folder)
        return Champion(folder, histories, _has_seen(trained_on, histories) if trained_on else "")

    def start(self, place: str, name: str) -> Begin:
        """`go_on_from` the model at `place`; `name` is what its line on the terminal calls it."""
        return partial(self._start, self.folder / place, name)

    def _start(self, model_dir: Path, name: str, model: SequenceModel) -> bool:
        if not model_dir.is_dir():
            return False
        if self.why_not:
            print(f"{name}: starts anew, {self.why_not}", flush=True)
            return False
        return go_on_from(model_dir, self.histories, name, model)


def go_on_from(model_dir: Path, histories: Histories, name: str, model: SequenceModel) -> bool:
    """Copy the weights of the champion's model in `model_dir`, and say so; whether they fit.

    Rows of items that the champion did not know begin as the mean of the rows that stand beside
    them in training histories, or as UNK's. Where shapes differ, because settings changed, the
    model stays as it is; `name` is what the line on the terminal calls it.
    """
    weights = read_weights(model_dir / WEIGHTS)
    parameters = dict(model.named_parameters())
    if why := _why_not(parameters, weights):
        print(f"{name}: starts anew, the champion's does not fit: {why}", flush=True)
        return False
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
    return True


def _has_seen(champion: TrainedOn, histories: Histories) -> str:
    """Why the champion may have trained on what these targets ask for; empty where it has not.

    While logs only grow, a user's last two events are never among an earlier version's training
    events. Where cuts are times, all depends on them: many late events, or other settings, move
    them back.
    """
    if champion.valid_from_us is None:
        if histories.protocol.method == champion.method:
            return ""
        return f"the champion {champion.version} was split {champion.method}, this run is not"
    first = min(histories.target_times(part).min() for part in histories.targets.values())
    if first >= champion.valid_from_us:
        return ""
    return (
        f"the champion {champion.version} has seen events up to {_shown(champion.valid_from_us)}, "
        f"and the first target of this run is of {_shown(first)}"
    )


def _shown(microseconds: int) -> str:
    return f"{np.datetime64(int(microseconds), 'us').astype('M8[s]')} UTC"


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
    left, right = map(torch.from_numpy, _adjacent(histories))
    sums, counts = torch.zeros_like(rows), torch.zeros(len(rows), dtype=torch.long)
    for item, beside in ((left, right), (right, left)):
        informs = ~known[item] & known[beside] & (beside >= FIRST_ITEM)
        sums.index_add_(0, item[informs], rows[beside[informs]])
        counts += torch.bincount(item[informs], minlength=len(rows))
    return torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], rows)


def _adjacent(histories: Histories) -> tuple[np.ndarray, np.ndarray]:
    """Items of the pairs of training events that follow each other in one history.  # (P,) each"""
    trained, lengths = histories.in_training(), np.diff(histories.offsets)
    users = np.repeat(np.arange(len(lengths)), lengths)
    pairs = (users[:-1] == users[1:]) & trained[:-1] & trained[1:]
    return histories.items[:-1][pairs], histories.items[1:][pairs]
