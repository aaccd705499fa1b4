"""params.yaml as a whole: what one section says of another is checked here, before anything runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import (
    CutDecoder,
    DistillStudentParams,
    OnlineTeaching,
    StudentParams,
)
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.prepare import PrepareParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.params.section import Section, checked, read_yaml
from slmrec.params.split import SplitParams
from slmrec.params.train_teacher import EveryLayer, Pretrained, TrainTeacherParams
from slmrec.params.validate import ValidateParams


class Params(Section):
    """The whole file. Stages read only their own section; the whole is read to check it before anything runs."""

    compute: ComputeParams
    prepare: PrepareParams
    validate_: ValidateParams = Field(alias="validate")
    split: SplitParams
    embed_items: EmbedItemsParams
    train_teacher: TrainTeacherParams
    record_states: RecordStatesParams
    distill_student: DistillStudentParams
    evaluate: EvaluateParams
    export_onnx: ExportParams
    measure_cost: MeasureCostParams

    @model_validator(mode="after")
    def _the_ensemble_is_imitated(self) -> Params:
        seeds, student = self.embed_items.ensemble_seeds, self.distill_student
        if not seeds:
            return self
        if isinstance(student.teaching, OnlineTeaching):
            raise ValueError(
                f"embed_items.ensemble_seeds is {seeds}, but distill_student.teaching is online: the student would imitate the "
                "learning teacher alone; set it to offline, or ensemble_seeds to []"
            )
        if not any(each.weights.logits for each in (student, student.narrow) if each):
            raise ValueError(
                f"embed_items.ensemble_seeds is {seeds}, but no student imitates scores; set distill_student.weights.logits, "
                "or ensemble_seeds to []"
            )
        return self

    @model_validator(mode="after")
    def _blocks_fit_both_decoders(self) -> Params:
        blocks, backbone = self.record_states.blocks, self.train_teacher.backbone
        students = [
            self.distill_student,
            *([self.distill_student.narrow] if self.distill_student.narrow else []),
        ]
        named = [*blocks, *(layer for student in students for layer in _teacher_layers(student))]
        if (layers := _kept_layers(backbone)) is not None and max(named) > layers:
            raise ValueError(
                f"layer {max(named)} is named, but train_teacher.backbone has {layers} layers"
            )
        if blocks != sorted(set(blocks)):
            raise ValueError(f"record_states.blocks must rise, saw {blocks}")
        for student in students:
            if student.layers % len(blocks):
                raise ValueError(
                    f"{student.layers} student layers do not split into the {len(blocks)} blocks of record_states"
                )
        return self


def _teacher_layers(student: StudentParams) -> list[int]:
    return student.decoder.teacher_layers if isinstance(student.decoder, CutDecoder) else []


def _kept_layers(backbone: DecoderParams | Pretrained) -> int | None:
    """Depth of the teacher as far as params.yaml alone says it."""
    if isinstance(backbone, DecoderParams):
        return backbone.layers
    return None if isinstance(backbone.cut, EveryLayer) else backbone.cut.layers


def read_params(path: Path) -> Params:
    """Read and check the whole params file."""
    return checked(Params, read_yaml(path), path, "")
