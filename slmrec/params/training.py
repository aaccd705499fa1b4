"""The `training` part of every trained model's section: loop, optimizer and loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slmrec.params.section import Count, Section, Share

# Which rows of the item table AdamW updates in a step: all, or those that the batch touched.
TableRows = Literal["all", "touched"]


class SoftmaxLoss(Section):
    kind: Literal["softmax"]
    scores_at_once: Count  # scores (positions x items) in memory at a time


class SampledSoftmaxLoss(Section):
    kind: Literal["sampled_softmax"]
    negatives: Count  # drawn once a batch, shared by its positions
    uniform_share: float = Field(gt=0, le=1)  # of the draws; the rest is drawn by item frequency
    rows: TableRows


class GbceLoss(Section):
    kind: Literal["gbce"]
    negatives: Count  # drawn once a batch, uniformly, shared by its positions
    calibration: Share  # gSASRec's t: 0 is plain BCE, 1 undoes the bias that sampling causes
    rows: TableRows


LossParams = Annotated[SoftmaxLoss | SampledSoftmaxLoss | GbceLoss, Field(discriminator="kind")]


class TrainingParams(Section):
    epochs: Count
    positions_per_batch: Count  # padding included
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    weight_decay: float = Field(ge=0)
    clip_norm: float = Field(gt=0)  # of the gradient
    unknown_rate: Share  # of inputs shown as UNK, so that the model learns what UNK means
    loss: LossParams
    patience: Count  # epochs without a better validation NDCG@10
    validation_targets: Count  # sampled, one of each user before a second of any
    checkpoint_seconds: float = Field(gt=0)  # between two checkpoints
