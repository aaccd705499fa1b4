"""Section `embed_items`: SASRec and the vectors of titles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from slmrec.params.section import Count, Section, Seed, Share, TopSection
from slmrec.params.training import TrainingParams

TextEncoder = Literal[
    "minilm", "smollm2-words"
]  # all-MiniLM-L6-v2, 384 numbers a title; SmolLM2's word vectors, their mean, 576


class TextParams(Section):
    encoders: list[TextEncoder] = Field(min_length=1)  # their vectors stand side by side
    hidden_ids: Share  # share of items that a training step knows by their text alone, as new items are known
    new_items_may_cost: Share  # share of validation NDCG@10 that may be given up so that items without a record are recommended


class EmbedItemsParams(TopSection):
    KEY = "embed_items"

    seed: Seed
    ensemble_seeds: list[
        Seed
    ]  # of further models, whose scores students imitate beside the first one's and the teacher's
    width: Count  # of the item table and of SASRec
    layers: Count
    heads: Count
    feed_forward: Count
    dropout: float = Field(ge=0, lt=1)
    text: Literal["none"] | TextParams
    training: TrainingParams

    @model_validator(mode="after")
    def _seeds_differ(self) -> EmbedItemsParams:
        seeds = [self.seed, *self.ensemble_seeds]
        if len(set(seeds)) < len(seeds):
            raise ValueError(
                f"seed and ensemble_seeds are {seeds}; two models of one seed are one model, so they must differ"
            )
        return self
