"""Section `embed_items`: SASRec and the vectors of titles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from slmrec.params.decoder import LowPassParams
from slmrec.params.section import Count, DropRate, Section, Seed, Share, TopSection
from slmrec.params.training import TrainingParams

# minilm: all-MiniLM-L6-v2, a sentence vector of 384 numbers.
# smollm2-words: the mean of SmolLM2's word vectors, 576 numbers.
TextEncoder = Literal["minilm", "smollm2-words"]


class TextParams(Section):
    encoders: list[TextEncoder] = Field(min_length=1)  # an item's vectors are concatenated
    # Share of items whose id vectors a training step leaves out, as they are for new items.
    hidden_ids: Share
    # Share of validation NDCG@10 that may be given up so that new items are recommended.
    new_items_may_cost: Share


class EmbedItemsParams(TopSection):
    KEY = "embed_items"

    seed: Seed
    ensemble_seeds: list[Seed]  # of further models, which the students' soft targets average in
    ensemble_low_pass: LowPassParams | None  # a filter beside attention, in those further models
    width: Count  # of the item table and of SASRec
    layers: Count
    heads: Count
    feed_forward: Count
    dropout: DropRate
    text: Literal["none"] | TextParams
    training: TrainingParams

    @model_validator(mode="after")
    def _heads_divide_width(self) -> EmbedItemsParams:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} does not split into {self.heads} heads")
        return self

    @model_validator(mode="after")
    def _seeds_differ(self) -> EmbedItemsParams:
        seeds = [self.seed, *self.ensemble_seeds]
        if len(set(seeds)) < len(seeds):
            raise ValueError(
                f"seed and ensemble_seeds are {seeds}; "
                "two models of one seed are one model, so they must differ"
            )
        return self
