"""The ranking term: next-item loss over the items that training knows, in full or against drawn negatives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from slmrec.histories import Histories
from slmrec.item_table import ItemTable
from slmrec.losses import Imitated, imitating_softmax_loss, softmax_loss
from slmrec.metrics import gains, user_means
from slmrec.model_params import GbceLoss, LossParams, SampledSoftmaxLoss, SoftmaxLoss
from slmrec.models import SequenceModel
from slmrec.negatives import Negatives
from slmrec.new_items import BONUSES, chosen_bonus, quality_by_bonus
from slmrec.sampled_losses import Drawn, ImitatedItems, gbce_loss, imitating_sampled_softmax_loss, sampled_softmax_loss
from slmrec.scoring import ModelScorer, candidate_mask, rank_targets, sample_targets


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
        return self._ranked(vectors, targets, taught=True)

    def supervising_loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """`loss` that leaves the table alone: early layers are taught to use it, not the table to suit them."""
        return self._ranked(vectors, targets, taught=False)

    def imitating_loss(self, vectors: Tensor, targets: Tensor, top: Imitated, weights: tuple[float, float]) -> tuple[Tensor, Tensor]:
        """`loss`, and the divergence from a teacher's shares among its top items, in full or against drawn negatives.

        `weights` are those with which the two will be summed.
        """
        assert not isinstance(self.p, GbceLoss)  # slmrec.model_params sees to it
        with torch.autocast(vectors.device.type, enabled=False):
            if isinstance(self.p, SoftmaxLoss):
                imitated = Imitated(self.place[top.rows], top.logs)
                rows = self.table(self.candidates)
                return imitating_softmax_loss(vectors.float(), rows, self.place[targets], imitated, weights, self._chunk(self.p))
            distinct, places = top.rows.unique(return_inverse=True)  # text is mapped once an item, not once a position
            best = ImitatedItems(distinct, self.table(distinct), places, top.logs)
            return imitating_sampled_softmax_loss(vectors.float(), self.table(targets), targets, self._drawn(self.p, taught=True), best)

    def _ranked(self, vectors: Tensor, targets: Tensor, taught: bool) -> Tensor:
        with torch.autocast(vectors.device.type, enabled=False):  # a sum over a catalogue needs more than 16 bits
            if isinstance(self.p, SoftmaxLoss):
                return softmax_loss(vectors.float(), self._read(self.candidates, taught), self.place[targets], self._chunk(self.p))
            drawn, positives = self._drawn(self.p, taught), self._read(targets, taught)
            if isinstance(self.p, GbceLoss):
                return gbce_loss(vectors.float(), positives, targets, drawn, len(self.candidates), self.p.calibration)
            return sampled_softmax_loss(vectors.float(), positives, targets, drawn)

    def _drawn(self, p: SampledSoftmaxLoss | GbceLoss, taught: bool) -> Drawn:
        """The negatives of this step."""
        assert self.negatives is not None
        items, times, log_expected = self.negatives.draw(p.negatives)
        return Drawn(items, self._read(items, taught), times, log_expected)

    def _read(self, items: Tensor, taught: bool) -> Tensor:
        """Vectors of items (N,); gradients reach the table where it is to be taught.  # (N, E)"""
        vectors = self.table(items)
        return vectors if taught else vectors.detach()

    def _chunk(self, p: SoftmaxLoss) -> int:
        """Positions whose scores are held at once."""
        return max(p.scores_at_once // len(self.candidates), 1)


def _uniform_share(p: LossParams) -> float:
    return p.uniform_share if p.kind == "sampled_softmax" else 1.0


class Validation:
    """NDCG@10 on a fixed sample of the validation targets, full ranking, mean over users."""

    def __init__(self, histories: Histories, table: ItemTable, targets: int, seed: int) -> None:
        self.histories = histories
        self.targets = sample_targets(histories.targets["valid"], targets, seed)
        self.candidates = candidate_mask(len(table), np.concatenate([histories.items, table.described().cpu().numpy()]))
        wanted = histories.items[histories.offsets[self.targets.row] + self.targets.position]
        self.judges_new_items = table.text is not None and bool(table.is_new().cpu()[torch.from_numpy(wanted)].any())

    def __call__(self, model: SequenceModel) -> float:
        """The figure; where new items are among the targets, with the bonus that `chosen_bonus` says, which is left in the table."""
        bonus = model.table.new_item_bonus.zero_()
        scorer = ModelScorer(model, self.histories)
        if not self.judges_new_items:
            ranks = rank_targets(scorer, self.histories, self.targets, self.candidates, None)
            return float(user_means(gains(ranks.full, "ndcg@10"), self.targets.row).mean())
        quality = quality_by_bonus(scorer, self.histories, self.targets, self.candidates, model.table.is_new().cpu())
        chosen = chosen_bonus(quality, model.table.new_items_may_cost)
        bonus.fill_(BONUSES[chosen])
        return float(quality[chosen])
