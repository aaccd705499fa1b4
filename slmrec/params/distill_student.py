"""Section `distill_student`: shape, loss weights and teaching of the students."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slmrec.params.decoder import DecoderParams, SasrecParams, StudentItemVectors, Tuning
from slmrec.params.section import Count, DropRate, Section, Seed, TopSection
from slmrec.params.training import TrainingParams


class DistillWeights(Section):
    ranking: float = Field(ge=0)  # of the loss on the next item
    cosine: float = Field(ge=0)  # of 1 - cosine between block states of student and teacher
    norm: float = Field(ge=0)  # of the squared distance between them
    multi_supervision: float = Field(ge=0)  # of the loss on the next item after earlier blocks
    logits: float = Field(ge=0)  # of the teacher's soft targets


class CutDecoder(Section):
    kind: Literal["cut"]  # layers, maps, prompt and width of the teacher
    teacher_layers: list[Count] = Field(min_length=1)  # counted from 1
    tuning: Tuning


class StudentParams(Section):
    decoder: Annotated[CutDecoder | DecoderParams | SasrecParams, Field(discriminator="kind")]
    # Of the projected item vectors and of the last hidden state; of SASRec's, within its layers.
    dropout: DropRate
    layer_drop: DropRate  # chance that a training step skips a layer
    item_vectors: StudentItemVectors
    weights: DistillWeights
    training: TrainingParams

    @model_validator(mode="after")
    def _soft_targets_need_a_softmax(self) -> StudentParams:
        if self.weights.logits and self.training.loss.kind == "gbce":
            raise ValueError(
                f"weights.logits is {self.weights.logits}, "
                "which needs training.loss.kind softmax or sampled_softmax; set it to 0"
            )
        return self

    @model_validator(mode="after")
    def _sasrec_skips_no_layer(self) -> StudentParams:
        if isinstance(self.decoder, SasrecParams) and self.layer_drop:
            raise ValueError(
                f"layer_drop is {self.layer_drop}, but decoder.kind sasrec skips no layer; set it "
                "to 0"
            )
        return self

    @property
    def layers(self) -> int:
        """Depth of the student."""
        if isinstance(self.decoder, CutDecoder):
            return len(self.decoder.teacher_layers)
        return self.decoder.layers


class OfflineTeaching(Section):
    kind: Literal["offline"]  # the trained teacher's states, recorded once


class OnlineTeaching(Section):
    kind: Literal["online"]  # the teacher goes on learning while the student does
    detach: bool  # whether the student's loss sends no gradient into the teacher
    teacher_weight: float = Field(gt=0)  # of the teacher's own ranking loss


class DistillStudentParams(StudentParams, TopSection):
    KEY = "distill_student"

    seed: Seed
    teaching: Annotated[OfflineTeaching | OnlineTeaching, Field(discriminator="kind")]
    # Whether the student without distillation, where it is evidently better on validation, is the
    # student.
    fall_back: bool
    narrow: StudentParams | None  # a second student of another shape, taught the same way
