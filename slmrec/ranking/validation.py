"""Validation NDCG@10 on a fixed sample of targets: what early stopping goes by."""

from __future__ import annotations

import torch

from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.ranking.candidates import candidate_items
from slmrec.ranking.inputs import sample_targets
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.new_item_bonus import BONUSES, choose_bonus, quality_by_bonus
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import ModelScorer


class SampledNdcg:
    """NDCG@10 on a fixed sample of the validation targets, full ranking, mean over users."""

    def __init__(
        self, histories: Histories, item_embedding: ItemEmbedding, sample_size: int, seed: int
    ) -> None:
        self.histories = histories
        self.targets = sample_targets(histories.targets["valid"], sample_size, seed)
        self.candidates = candidate_items(
            histories, len(item_embedding), item_embedding.described().cpu().numpy()
        )
        target_items = torch.from_numpy(histories.target_items(self.targets))
        new_targets = item_embedding.is_new().cpu()[target_items]
        self.has_new_targets = item_embedding.text is not None and bool(new_targets.any())

    def __call__(self, model: SequenceModel) -> float:
        """NDCG@10 of `model`; chooses its item table's bonus for new items and leaves it there.

        The bonus is 0 where no target of the sample is a new item with a title.
        """
        bonus = model.item_embedding.new_item_bonus.zero_()
        scorer = ModelScorer(model, self.histories)
        if not self.has_new_targets:
            ranks = rank_targets(scorer, self.histories, self.targets, self.candidates, None)
            return mean_ndcg10(ranks.full, self.targets.row)
        new = model.item_embedding.is_new().cpu()
        quality = quality_by_bonus(scorer, self.histories, self.targets, self.candidates, new)
        chosen = choose_bonus(quality, model.item_embedding.new_items_may_cost)
        bonus.fill_(BONUSES[chosen])
        return float(quality[chosen])
