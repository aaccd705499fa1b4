"""The `training` part that every trained model has, and its loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slmrec.params.section import Count, Section, Share


class SoftmaxLoss(Section):
    kind: Literal["softmax"]
    scores_at_once: (
        Count  # scores (positions x items) held at a time: memory does not grow with either
    )


TableRows = Literal[
    "all", "touched"
]  # all: AdamW on the whole item table; touched: on the rows that a batch reads


class SampledSoftmaxLoss(Section):
    kind: Literal["sampled_softmax"]
    negatives: Count  # drawn once a batch, shared by its positions
    uniform_share: float = Field(
        gt=0, le=1
    )  # of the draws; the others follow how often items are trained on
    rows: TableRows


class GbceLoss(Section):
    kind: Literal["gbce"]
    negatives: Count  # drawn once a batch, uniformly, shared by its positions
    calibration: (
        Share  # t: 0 is plain binary cross-entropy, 1 undoes what sampling does to probabilities
    )
    rows: TableRows


LossParams = Annotated[SoftmaxLoss | SampledSoftmaxLoss | GbceLoss, Field(discriminator="kind")]


class TrainingParams(Section):
    epochs: int = Field(ge=1)
    positions_per_batch: Count
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    clip_norm: float = Field(gt=0)
    unknown_rate: Share
    loss: LossParams
    patience: Count
    validation_targets: Count  # sampled, one of each user before a second of any
    checkpoint_seconds: float = Field(gt=0)
