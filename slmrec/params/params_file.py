"""params.yaml as a whole: the rules between two sections, checked before anything runs."""

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
from slmrec.params.gate import GateParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.neighbours import NeighboursParams
from slmrec.params.prepare import PrepareParams
from slmrec.params.record_states import RecordStatesParams
from slmrec.params.section import Section, read_yaml, validate_section
from slmrec.params.split import SplitParams
from slmrec.params.train_teacher import EveryLayer, Pretrained, TrainTeacherParams
from slmrec.params.validate import ValidateParams


class Params(Section):
    """The whole file. A stage reads its own section alone."""

    compute: ComputeParams
    prepare: PrepareParams
    validate_: ValidateParams = Field(alias="validate")
    split: SplitParams
    neighbours: NeighboursParams
    embed_items: EmbedItemsParams
    train_teacher: TrainTeacherParams
    record_states: RecordStatesParams
    distill_student: DistillStudentParams
    evaluate: EvaluateParams
    export_onnx: ExportParams
    measure_cost: MeasureCostParams
    gate: GateParams

    @model_validator(mode="after")
    def _a_split_by_time_has_a_clock(self) -> Params:
        if self.prepare.events.columns.time is None and self.split.method == "temporal":
            raise ValueError(
                "prepare.events.columns.time is null, but split.method is temporal, which cuts by "
                "time; set it to leave_one_out"
            )
        return self

    @model_validator(mode="after")
    def _the_ensemble_is_imitated(self) -> Params:
        seeds, neighbours = self.embed_items.ensemble_seeds, self.record_states.neighbours
        fault = self._why_not_imitated() if seeds or neighbours else ""
        if fault and seeds:
            raise ValueError(
                f"embed_items.ensemble_seeds is {seeds}, but {fault}, or ensemble_seeds to []"
            )
        if fault:
            raise ValueError(f"record_states.neighbours is set, but {fault}, or neighbours to null")
        return self

    def _why_not_imitated(self) -> str:
        """Why no student would learn from an ensemble, and what to set; empty where one does."""
        if isinstance(self.distill_student.teaching, OnlineTeaching):
            return (
                "distill_student.teaching is online: the student would imitate the learning "
                "teacher alone; set it to offline"
            )
        if not any(student.weights.logits for student in self._students()):
            return "no student imitates scores; set distill_student.weights.logits"
        return ""

    @model_validator(mode="after")
    def _blocks_fit_both_decoders(self) -> Params:
        blocks, students = self.record_states.blocks, self._students()
        named = [*blocks, *(layer for student in students for layer in _teacher_layers(student))]
        _check_depth(max(named), self.train_teacher.backbone)
        if blocks != sorted(set(blocks)):
            raise ValueError(f"record_states.blocks must rise, saw {blocks}")
        for layers in (student.layers for student in students):
            if layers % len(blocks):
                split = f"do not split into the {len(blocks)} blocks of record_states"
                raise ValueError(f"{layers} student layers {split}")
        return self

    def _students(self) -> list[StudentParams]:
        student = self.distill_student
        return [student] if student.narrow is None else [student, student.narrow]


def _teacher_layers(student: StudentParams) -> list[int]:
    return student.decoder.teacher_layers if isinstance(student.decoder, CutDecoder) else []


def _check_depth(layer: int, backbone: DecoderParams | Pretrained) -> None:
    depth = _teacher_depth(backbone)
    if depth is not None and layer > depth:
        raise ValueError(f"layer {layer} is named, but train_teacher.backbone has {depth} layers")


def _teacher_depth(backbone: DecoderParams | Pretrained) -> int | None:
    """Layers of the teacher; None where they depend on the pretrained model's own depth."""
    if isinstance(backbone, DecoderParams):
        return backbone.layers
    return None if isinstance(backbone.cut, EveryLayer) else backbone.cut.layers


def read_params(path: Path) -> Params:
    """Read and check the whole params file."""
    return validate_section(Params, read_yaml(path), path, key=None)
