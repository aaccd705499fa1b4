"""Section `train_teacher`: the backbone, how it is cut and tuned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slmrec.params.decoder import DecoderParams, ItemVectors, Tuning
from slmrec.params.section import Count, DropRate, Section, Seed, TopSection
from slmrec.params.training import TrainingParams


class FirstLayers(Section):
    rule: Literal["first"]
    layers: Count


class EveryLayer(Section):
    rule: Literal["every"]
    step: Count  # keeps layers 1, 1 + step, 1 + 2 step, ...


class LeastChange(Section):
    rule: Literal["least_change"]  # removes the layers without which the output changes least
    layers: Count  # kept
    windows: Count  # training windows that this is measured on


Cut = Annotated[FirstLayers | EveryLayer | LeastChange, Field(discriminator="rule")]


class PretrainedParams(Section):
    cut: Cut
    tuning: Tuning
    prompt: Annotated[str, Field(min_length=1)] | None  # read before every history, as in E4SRec


class Smollm2Params(PretrainedParams):
    kind: Literal["smollm2-135m"]


class FolderParams(PretrainedParams):
    kind: Literal["folder"]
    path: str = Field(min_length=1)


class HubParams(PretrainedParams):
    kind: Literal["hub"]
    id: str = Field(min_length=1)
    revision: str = Field(min_length=1)  # a commit keeps results reproducible, a branch does not


Pretrained = Smollm2Params | FolderParams | HubParams
Backbone = Annotated[DecoderParams | Pretrained, Field(discriminator="kind")]


class TrainTeacherParams(TopSection):
    KEY = "train_teacher"

    seed: Seed
    backbone: Backbone
    dropout: DropRate  # of the projected item vectors and of the last hidden state
    layer_drop: DropRate  # chance that a training step skips a layer
    item_vectors: ItemVectors
    training: TrainingParams
