"""The ranking term: next-item cross-entropy over the items that training knows."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.histories import Histories
from slmrec.item_table import ItemTable
from slmrec.losses import imitating_softmax_loss, softmax_loss
from slmrec.metrics import gains, user_means
from slmrec.models import SequenceModel
from slmrec.params import SoftmaxLoss
from slmrec.scoring import ModelScorer, candidate_mask, rank_targets, sample_targets


def trained_rows(table: ItemTable) -> Tensor:
    """Item indices that training knows: UNK, then every item with a training event.  # (C,) int64"""
    rows = torch.arange(len(table), device=table.source.device)
    return rows[table.source == rows][1:]  # PAD comes first


class Ranking:
    """Cross-entropy of user vectors against every item with a training event, and UNK.

    Items first seen after the cut stay out of the softmax: training must not learn from a catalogue it cannot know.
    """

    def __init__(self, table: ItemTable, p: SoftmaxLoss) -> None:
        self.table = table
        self.candidates = trained_rows(table)
        self.place = torch.zeros_like(table.source)
        self.place[self.candidates] = torch.arange(len(self.candidates), device=table.source.device)
        self.p = p

    def loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Loss of user vectors (N, E) and the items (N,) that came next."""
        return softmax_loss(vectors, self.table(self.candidates), self.place[targets], self.p.chunk)

    def supervising_loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """`loss` that leaves the table alone: early layers are taught to use it, not the table to suit them."""
        return softmax_loss(vectors, self.table(self.candidates).detach(), self.place[targets], self.p.chunk)

    def imitating_loss(self, vectors: Tensor, targets: Tensor, top_items: Tensor, top_logs: Tensor) -> tuple[Tensor, Tensor]:
        """`loss`, and the divergence from a teacher's shares (N, K) among its top items (N, K)."""
        rows = self.table(self.candidates)
        return imitating_softmax_loss(vectors, rows, self.place[targets], self.place[top_items], top_logs, self.p.chunk)


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
