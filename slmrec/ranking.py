"""The ranking term: next-item loss over the items that training knows, in full or against drawn negatives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.histories import Histories
from slmrec.item_table import ItemTable
from slmrec.losses import Drawn, gbce_loss, sampled_softmax_loss, softmax_loss
from slmrec.metrics import gains, user_means
from slmrec.models import SequenceModel
from slmrec.params import GbceLoss, LossParams, SoftmaxLoss
from slmrec.scoring import ModelScorer, candidate_mask, rank_targets, sample_targets

DRAWING = 2**41  # added to the seed of a step, so that negatives have nothing to do with what else is drawn in it


def trained_rows(table: ItemTable) -> Tensor:
    """Item indices that training knows: UNK, then every item with a training event.  # (C,) int64"""
    rows = torch.arange(len(table), device=table.source.device)
    return rows[table.source == rows][1:]  # PAD comes first


class Ranking:
    """Loss of user vectors against the items with a training event, and UNK.

    Items first seen after the cut are never negatives: training must not learn from a catalogue it cannot know.
    """

    def __init__(self, table: ItemTable, p: LossParams, histories: Histories) -> None:
        self.table = table
        self.candidates = trained_rows(table)
        self.place = torch.zeros_like(table.source)
        self.place[self.candidates] = torch.arange(len(self.candidates), device=table.source.device)
        self.p = p
        table.touched_only = not isinstance(p, SoftmaxLoss) and p.rows == "touched"
        self.negatives = None if isinstance(p, SoftmaxLoss) else Negatives(self.candidates, _uniform_share(p), histories)

    def loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Loss of user vectors (N, E) and the items (N,) that came next, in full precision."""
        vectors = vectors.float()
        with torch.autocast(vectors.device.type, enabled=False):  # a sum over a catalogue needs more than 16 bits
            if isinstance(self.p, SoftmaxLoss):
                return softmax_loss(vectors, self.table(self.candidates), self.place[targets], self.p.scores_at_once)
            return self._sampled(vectors, targets)

    def _sampled(self, vectors: Tensor, targets: Tensor) -> Tensor:
        assert self.negatives is not None and not isinstance(self.p, SoftmaxLoss)
        items, log_expected = self.negatives.draw(self.p.negatives)
        drawn = Drawn(items, self.table(items), log_expected)
        if isinstance(self.p, GbceLoss):
            return gbce_loss(vectors, self.table(targets), targets, drawn, len(self.candidates), self.p.calibration)
        return sampled_softmax_loss(vectors, self.table(targets), targets, drawn)


def _uniform_share(p: LossParams) -> float:
    return 1.0 if isinstance(p, GbceLoss | SoftmaxLoss) else p.uniform_share


class Negatives:
    """Draws items: a share of the draws uniform over `candidates` (C,), the others by how often items are trained on.

    The latter are what in-batch negatives stand for, without an exchange between processes. With repetition, so that the expected
    count of an item is exact.
    """

    def __init__(self, candidates: Tensor, uniform_share: float, histories: Histories) -> None:
        trained = histories.training_items()
        self.candidates = candidates
        self.trained = torch.from_numpy(trained).to(candidates.device)
        self.uniform_share = uniform_share
        frequency = np.bincount(trained, minlength=int(candidates[-1]) + 1) / len(trained)
        self.chance = (1 - uniform_share) * torch.from_numpy(frequency).to(candidates.device) + uniform_share / len(candidates)  # (I,)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Items, and the log of how often each is expected among them.  # (K,) int64, (K,) float32"""
        # From the seed of the step, not from where its generator stands: whatever dropout has drawn before, every process of a
        # run, and every term of a loss, meets the same negatives.
        generator = torch.Generator().manual_seed(torch.initial_seed() + DRAWING)
        uniform = round(count * self.uniform_share)
        picks = [
            source[torch.randint(len(source), (number,), generator=generator).to(source.device)]
            for source, number in ((self.candidates, uniform), (self.trained, count - uniform))
        ]
        items = torch.cat(picks)
        return items, (self.chance[items] * count).log().float()


class Validation:
    """NDCG@10 on a fixed sample of the validation targets, full ranking, mean over users."""

    def __init__(self, histories: Histories, items: int, targets: int, seed: int) -> None:
        self.histories = histories
        self.targets = sample_targets(histories.targets["valid"], targets, seed)
        self.candidates = candidate_mask(items, histories.items)

    def __call__(self, model: SequenceModel) -> float:
        scorer = ModelScorer(model, self.histories)
        ranks = rank_targets(scorer, self.histories, self.targets, self.candidates, None)
        return float(user_means(gains(ranks.full, "ndcg@10"), self.targets.row).mean())
