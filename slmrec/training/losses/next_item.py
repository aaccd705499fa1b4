"""The next-item loss, over all items that training knows or against sampled negatives."""

from __future__ import annotations

import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.models.item_embedding import ItemEmbedding, training_candidates
from slmrec.params.training import GbceLoss, LossParams, SampledSoftmaxLoss, SoftmaxLoss
from slmrec.training.losses.negative_sampler import NegativeSampler
from slmrec.training.losses.sampled import (
    SampledNegatives,
    SampledSoftTargets,
    gbce_loss,
    sampled_softmax_loss,
    sampled_softmax_loss_with_soft_targets,
)
from slmrec.training.losses.softmax import SoftTargets, softmax_loss, softmax_loss_with_soft_targets


class NextItemLoss:
    """Loss of user vectors over the items with a training event, and UNK.

    Items first seen after the cut are never negatives: training must not learn from a catalogue it
    cannot know.
    """

    def __init__(self, item_embedding: ItemEmbedding, p: LossParams, histories: Histories) -> None:
        self.item_embedding = item_embedding
        self.candidates = training_candidates(item_embedding)  # (C,)
        self.candidate_rows = torch.zeros_like(item_embedding.source)  # (I,) item -> its candidate
        self.candidate_rows[self.candidates] = torch.arange(
            len(self.candidates), device=self.candidates.device
        )
        self.p = p
        item_embedding.sparse_gradients = not isinstance(p, SoftmaxLoss) and p.rows == "touched"
        self.sampler = (
            None
            if isinstance(p, SoftmaxLoss)
            else NegativeSampler(self.candidates, _uniform_share(p), histories)
        )

    def loss(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """Loss of user vectors (N, E) and the items (N,) that came next, in full precision."""
        return self._loss(vectors, targets, frozen_items=False)

    def loss_with_frozen_items(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """`loss` without a gradient to the item embedding.

        Early layers are taught to use the embedding, not the embedding to suit them.
        """
        return self._loss(vectors, targets, frozen_items=True)

    def loss_with_soft_targets(
        self,
        vectors: Tensor,
        targets: Tensor,
        soft_targets: SoftTargets,
        weights: tuple[float, float],
    ) -> tuple[Tensor, Tensor]:
        """`loss`, and the divergence from a teacher's probabilities among its top items.

        The indices of `soft_targets` are items; `weights` are those with which the two losses will
        be summed.
        """
        p = self.p
        assert not isinstance(p, GbceLoss)  # slmrec.params.distill_student refuses it
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = vectors.float()
            if isinstance(p, SoftmaxLoss):
                return self._softmax_with_soft_targets(p, vectors, targets, soft_targets, weights)
            return self._sampled_with_soft_targets(p, vectors, targets, soft_targets)

    def _softmax_with_soft_targets(
        self,
        p: SoftmaxLoss,
        vectors: Tensor,
        targets: Tensor,
        soft_targets: SoftTargets,
        weights: tuple[float, float],
    ) -> tuple[Tensor, Tensor]:
        candidates, rows = self.item_embedding(self.candidates), self.candidate_rows[targets]
        soft_rows = SoftTargets(self.candidate_rows[soft_targets.indices], soft_targets.log_probs)
        chunk = self._positions_at_once(p)
        return softmax_loss_with_soft_targets(vectors, candidates, rows, soft_rows, weights, chunk)

    def _sampled_with_soft_targets(
        self, p: SampledSoftmaxLoss, vectors: Tensor, targets: Tensor, soft_targets: SoftTargets
    ) -> tuple[Tensor, Tensor]:
        # Distinct, because text is mapped once an item, not once a position.
        distinct, columns = soft_targets.indices.unique(return_inverse=True)
        sampled_targets = SampledSoftTargets(
            distinct, self.item_embedding(distinct), columns, soft_targets.log_probs
        )
        positives = self.item_embedding(targets)
        negatives = self._sample_negatives(p, frozen_items=False)
        return sampled_softmax_loss_with_soft_targets(
            vectors, positives, targets, negatives, sampled_targets
        )

    def _loss(self, vectors: Tensor, targets: Tensor, frozen_items: bool) -> Tensor:
        p = self.p
        # A sum over a catalogue needs more than 16 bits.
        with torch.autocast(vectors.device.type, enabled=False):
            vectors = vectors.float()
            if isinstance(p, SoftmaxLoss):
                candidates = self._item_vectors(self.candidates, frozen_items)
                rows = self.candidate_rows[targets]
                return softmax_loss(vectors, candidates, rows, self._positions_at_once(p))
            negatives = self._sample_negatives(p, frozen_items)
            positives = self._item_vectors(targets, frozen_items)
            if isinstance(p, GbceLoss):
                catalogue = len(self.candidates)
                return gbce_loss(vectors, positives, targets, negatives, catalogue, p.calibration)
            return sampled_softmax_loss(vectors, positives, targets, negatives)

    def _sample_negatives(
        self, p: SampledSoftmaxLoss | GbceLoss, frozen_items: bool
    ) -> SampledNegatives:
        """The negatives of this step."""
        assert self.sampler is not None
        items, counts, log_expected = self.sampler.draw(p.negatives)
        vectors = self._item_vectors(items, frozen_items)
        return SampledNegatives(items, vectors, counts, log_expected)

    def _item_vectors(self, items: Tensor, frozen: bool) -> Tensor:
        """Vectors of items (N,); frozen ones pass no gradient on.  # (N, E)"""
        vectors = self.item_embedding(items)
        return vectors.detach() if frozen else vectors

    def _positions_at_once(self, p: SoftmaxLoss) -> int:
        """Positions whose scores are held in memory at a time."""
        return max(p.scores_at_once // len(self.candidates), 1)


def _uniform_share(p: SampledSoftmaxLoss | GbceLoss) -> float:
    return p.uniform_share if isinstance(p, SampledSoftmaxLoss) else 1.0
