"""Section `distill_student`: shape, loss weights and teaching of the students."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slmrec.params.decoder import DecoderParams, ItemVectors, Tuning
from slmrec.params.section import Count, Section, Seed, TopSection
from slmrec.params.training import TrainingParams


class DistillWeights(Section):
    ranking: float = Field(ge=0)
    cosine: float = Field(ge=0)
    norm: float = Field(ge=0)
    multi_supervision: float = Field(ge=0)
    logits: float = Field(ge=0)


class CutDecoder(Section):
    kind: Literal["cut"]  # layers, maps, prompt and width of the teacher
    teacher_layers: list[Count] = Field(min_length=1)
    tuning: Tuning


class StudentParams(Section):
    decoder: Annotated[CutDecoder | DecoderParams, Field(discriminator="kind")]
    dropout: float = Field(ge=0, lt=1)
    layer_drop: float = Field(ge=0, lt=1)
    item_vectors: ItemVectors
    weights: DistillWeights
    training: TrainingParams

    @model_validator(mode="after")
    def _shares_are_imitated_by_a_softmax(self) -> StudentParams:
        if self.weights.logits and self.training.loss.kind == "gbce":
            raise ValueError(
                f"weights.logits is {self.weights.logits}, which needs training.loss.kind softmax or sampled_softmax; set it to 0"
            )
        return self

    @property
    def layers(self) -> int:
        """Depth of the student."""
        return (
            self.decoder.layers
            if isinstance(self.decoder, DecoderParams)
            else len(self.decoder.teacher_layers)
        )


class OfflineTeaching(Section):
    kind: Literal["offline"]  # the trained teacher's states, recorded once


class OnlineTeaching(Section):
    kind: Literal["online"]  # the teacher goes on learning beside the student
    detach: bool  # whether the student's imitation leaves the teacher alone
    teacher_weight: float = Field(gt=0)  # of the teacher's own ranking loss


class DistillStudentParams(StudentParams, TopSection):
    KEY = "distill_student"

    seed: Seed
    teaching: Annotated[OfflineTeaching | OnlineTeaching, Field(discriminator="kind")]
    narrow: StudentParams | None  # a second student, from the same setup
