"""The ranking term: next-item loss over the items that training knows, in full or against drawn negatives."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.models.item_embedding import ItemEmbedding, trained_rows
from slmrec.params.training import GbceLoss, LossParams, SampledSoftmaxLoss, SoftmaxLoss
from slmrec.training.losses.negative_sampler import Negatives
from slmrec.training.losses.sampled import (
    Drawn,
    SampledSoftTargets,
    gbce_loss,
    sampled_softmax_loss,
    sampled_softmax_loss_with_soft_targets,
)
from slmrec.training.losses.softmax import SoftTargets, softmax_loss, softmax_loss_with_soft_targets


class NextItemLoss:
    """Loss of user vectors against the items with a training event, and UNK.

    Items first seen after the cut are never negatives: training must not learn from a catalogue it
    cannot know.
    """

    def __init__(self, item_embedding: ItemEmbedding, p: LossParams, histories: Histories) -> None:
        self.item_embedding = item_embedding
        self.candidates = trained_rows(item_embedding)
        self.place = torch.zeros_like(item_embedding.source)
        self.place[self.candidates] = torch.arange(
            len(self.candidates), device=item_embedding.source.device
        )
        self.p = p
        item_embedding.touched_only = not isinstance(p, SoftmaxLoss) and p.rows == "touched"
        self.negatives = (
            None
            if isinstance(p, SoftmaxLoss)
            else Negatives(self.candidates, _uniform_share(p), histories)
        )

    def loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Loss of user vectors (N, E) and the items (N,) that came next, in full precision."""
        return self._ranked(vectors, targets, taught=True)

    def loss_with_frozen_items(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """`loss` that leaves the table alone: early layers are taught to use it, not the table to suit them."""
        return self._ranked(vectors, targets, taught=False)

    def loss_with_soft_targets(
        self, vectors: Tensor, targets: Tensor, top: SoftTargets, weights: tuple[float, float]
    ) -> tuple[Tensor, Tensor]:
        """`loss`, and the divergence from a teacher's probabilities among its top items, in full or against drawn negatives.

        `weights` are those with which the two will be summed.
        """
        assert not isinstance(self.p, GbceLoss)  # slmrec.model_params sees to it
        with torch.autocast(vectors.device.type, enabled=False):
            if isinstance(self.p, SoftmaxLoss):
                soft_targets = SoftTargets(self.place[top.rows], top.log_probs)
                rows = self.item_embedding(self.candidates)
                return softmax_loss_with_soft_targets(
                    vectors.float(),
                    rows,
                    self.place[targets],
                    soft_targets,
                    weights,
                    self._chunk(self.p),
                )
            distinct, places = top.rows.unique(
                return_inverse=True
            )  # text is mapped once an item, not once a position
            best = SampledSoftTargets(
                distinct, self.item_embedding(distinct), places, top.log_probs
            )
            return sampled_softmax_loss_with_soft_targets(
                vectors.float(),
                self.item_embedding(targets),
                targets,
                self._drawn(self.p, taught=True),
                best,
            )

    def _ranked(self, vectors: Tensor, targets: Tensor, taught: bool) -> Tensor:
        with torch.autocast(
            vectors.device.type, enabled=False
        ):  # a sum over a catalogue needs more than 16 bits
            if isinstance(self.p, SoftmaxLoss):
                return softmax_loss(
                    vectors.float(),
                    self._read(self.candidates, taught),
                    self.place[targets],
                    self._chunk(self.p),
                )
            drawn, positives = self._drawn(self.p, taught), self._read(targets, taught)
            if isinstance(self.p, GbceLoss):
                return gbce_loss(
                    vectors.float(),
                    positives,
                    targets,
                    drawn,
                    len(self.candidates),
                    self.p.calibration,
                )
            return sampled_softmax_loss(vectors.float(), positives, targets, drawn)

    def _drawn(self, p: SampledSoftmaxLoss | GbceLoss, taught: bool) -> Drawn:
        """The negatives of this step."""
        assert self.negatives is not None
        items, times, log_expected = self.negatives.draw(p.negatives)
        return Drawn(items, self._read(items, taught), times, log_expected)

    def _read(self, items: Tensor, taught: bool) -> Tensor:
        """Vectors of items (N,); gradients reach the table where it is to be taught.  # (N, E)"""
        vectors = self.item_embedding(items)
        return vectors if taught else vectors.detach()

    def _chunk(self, p: SoftmaxLoss) -> int:
        """Positions whose scores are held at once."""
        return max(p.scores_at_once // len(self.candidates), 1)


def _uniform_share(p: LossParams) -> float:
    return p.uniform_share if p.kind == "sampled_softmax" else 1.0
