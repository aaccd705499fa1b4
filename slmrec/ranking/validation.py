"""Validation NDCG@10 on a fixed sample of targets: what early stopping goes by."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.dataset.histories import Histories
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.ranking.metrics import gains, user_means
from slmrec.ranking.new_item_bonus import BONUSES, chosen_bonus, quality_by_bonus
from slmrec.ranking.ranks import candidate_mask, rank_targets, sample_targets
from slmrec.ranking.scorers import ModelScorer


class SampledNdcg:
    """NDCG@10 on a fixed sample of the validation targets, full ranking, mean over users."""

    def __init__(
        self, histories: Histories, item_embedding: ItemEmbedding, targets: int, seed: int
    ) -> None:
        self.histories = histories
        self.targets = sample_targets(histories.targets["valid"], targets, seed)
        self.candidates = candidate_mask(
            len(item_embedding),
            np.concatenate([histories.items, item_embedding.described().cpu().numpy()]),
        )
        wanted = histories.items[histories.offsets[self.targets.row] + self.targets.position]
        self.judges_new_items = item_embedding.text is not None and bool(
            item_embedding.is_new().cpu()[torch.from_numpy(wanted)].any()
        )

    def __call__(self, model: SequenceModel) -> float:
        """The figure; where new items are among the targets, with the bonus that `chosen_bonus` says, which is left in the table."""
        bonus = model.item_embedding.new_item_bonus.zero_()
        scorer = ModelScorer(model, self.histories)
        if not self.judges_new_items:
            ranks = rank_targets(scorer, self.histories, self.targets, self.candidates, None)
            return float(user_means(gains(ranks.full, "ndcg@10"), self.targets.row).mean())
        quality = quality_by_bonus(
            scorer,
            self.histories,
            self.targets,
            self.candidates,
            model.item_embedding.is_new().cpu(),
        )
        chosen = chosen_bonus(quality, model.item_embedding.new_items_may_cost)
        bonus.fill_(BONUSES[chosen])
        return float(quality[chosen])
