"""studies.yaml as typed sections, as strict as params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import DistillWeights, OnlineTeaching
from slmrec.params.section import Count, Section, Seed, Share, TopSection


class DepthStudyParams(TopSection):
    """How deep the teacher has to be."""

    KEY = "depth_study"
    FILE = "studies.yaml"

    seed: Seed
    depths: list[Count] = Field(min_length=1)  # to train the teacher at, besides its full depth
    windows: Count  # training windows whose states are analysed
    spans: list[Count] = Field(min_length=1)  # how many layers one map is to replace
    ridge: float = Field(gt=0)  # of that map's fit, relative to the mean variance of the inputs
    near: Share  # a depth is good enough at this share of the best depth's quality


class AblationRow(Section):
    """One kind of student."""

    name: str = Field(min_length=1)
    weights: DistillWeights
    teaching: OnlineTeaching | Literal["offline"]
    decoder: DecoderParams | Literal["as distill_student says"]
    text: Literal["as the teacher", "none"]  # none: item vectors keep learning without the titles


class AblationParams(TopSection):
    """What each term of the student's loss is worth."""

    KEY = "ablation"
    FILE = "studies.yaml"

    seeds: list[Seed] = Field(min_length=1)
    rows: list[AblationRow] = Field(min_length=1)
