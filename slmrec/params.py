"""params.yaml as typed sections: frozen, unknown keys forbidden, no defaults anywhere in code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from slmrec.errors import UsageError

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


class Section(BaseModel):
    """What every section is: frozen, and a typo in a key is an error."""

    # A stage reads one section: what checks the others is not built for it.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, defer_build=True)


class ComputeParams(Section):
    device: Literal["cpu", "cuda"]
    threads: Count  # of torch, in each process
    processes: Count  # that share a training run, on one machine
    precision: Literal["fp32", "bf16", "fp16"]  # of training; weights and checkpoints are always fp32

    @model_validator(mode="after")
    def _cpu_has_no_half_precision(self) -> ComputeParams:
        if self.device == "cpu" and self.precision == "fp16":
            raise ValueError("precision is fp16, which is for GPUs; on a cpu it must be fp32, or bf16 where the processor has it")
        return self


class EventColumns(Section):
    user: str
    item: str
    time: str
    sequence: str | None  # orders events of equal time, where the logs have it
    weight: str | None
    type: str | None


Format = Literal["parquet", "csv", "tsv", "jsonl", "by_name"]
Delimiter = Annotated[str, Field(min_length=1, max_length=1)]


class EventSource(Section):
    files: list[str] = Field(min_length=1)
    format: Format
    delimiter: Delimiter | None  # of csv and tsv; None is a comma for csv, a tab for tsv
    columns: EventColumns
    time_format: Literal["epoch_s", "epoch_ms", "epoch_us", "iso8601", "iso8601_utc"]


class ItemColumns(Section):
    item: str
    title: str | None
    others: list[str]  # kept as text in item_attributes.parquet


class ItemSource(Section):
    files: list[str] = Field(min_length=1)
    format: Format
    delimiter: Delimiter | None
    columns: ItemColumns


class PrepareParams(Section):
    seed: Seed
    events: EventSource
    items: ItemSource | None
    keep_types: list[str]
    min_weight: float | None
    repeats: Literal["keep", "collapse", "first"]
    min_user_events: Count
    min_item_events: Count
    max_history: Count | None
    max_events_per_day: Count | None
    earliest: str  # ISO 8601 with zone; events before it are quarantined
    latest: str
    max_quarantine_share: Share

    @model_validator(mode="after")
    def _rules_have_their_columns(self) -> PrepareParams:
        columns = self.events.columns
        if self.keep_types and columns.type is None:
            raise ValueError(f"keep_types is {self.keep_types}, but events.columns.type names no column")
        if self.min_weight is not None and columns.weight is None:
            raise ValueError(f"min_weight is {self.min_weight}, but events.columns.weight names no column")
        sources: list[EventSource | ItemSource] = [self.events, *([self.items] if self.items else [])]
        for source in sources:
            if source.delimiter is not None and source.format in ("parquet", "jsonl"):
                raise ValueError(f"delimiter is {source.delimiter!r}, but {source.format} has none")
        return self


class DriftParams(Section):
    action: Literal["warn", "stop"]
    max_popularity_shift: Share
    max_length_shift: Share
    max_volume_ratio: float = Field(ge=1)
    max_new_popular_items: Share


class ValidateParams(Section):
    min_events: Count
    min_median_history: Count
    max_single_event_users: Share
    min_target_coverage: Share
    max_top_item_share: Share
    min_title_coverage: Share
    max_new_item_share: Share
    max_volume_ratio: float = Field(ge=1)
    max_unusual_days: Share
    user_pattern: str
    item_pattern: str
    sample: Count
    drift: DriftParams


class SplitParams(Section):
    method: Literal["temporal", "leave_one_out"]
    valid_from: str  # "30%" of events, "30d" back from the newest, or an ISO time
    test_from: str
    max_length: int = Field(ge=2)
    exclude_seen: bool  # whether items of the input are left out of its ranking; not where repeats matter


class SoftmaxLoss(Section):
    kind: Literal["softmax"]
    scores_at_once: Count  # scores (positions x items) held at a time: memory does not grow with either


TableRows = Literal["all", "touched"]  # all: AdamW on the whole item table; touched: on the rows that a batch reads


class SampledSoftmaxLoss(Section):
    kind: Literal["sampled_softmax"]
    negatives: Count  # drawn once a batch, shared by its positions
    uniform_share: float = Field(gt=0, le=1)  # of the draws; the others follow how often items are trained on
    rows: TableRows


class GbceLoss(Section):
    kind: Literal["gbce"]
    negatives: Count  # drawn once a batch, uniformly, shared by its positions
    calibration: Share  # t: 0 is plain binary cross-entropy, 1 undoes what sampling does to probabilities
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


TextEncoder = Literal["minilm", "smollm2-words"]  # all-MiniLM-L6-v2, 384 numbers a title; SmolLM2's word vectors, their mean, 576


class TextParams(Section):
    encoders: list[TextEncoder] = Field(min_length=1)  # their vectors stand side by side
    hidden_ids: Share  # share of items that a training step knows by their text alone, as new items are known
    new_items_may_cost: Share  # share of validation NDCG@10 that may be given up so that items without a record are recommended


class EmbedItemsParams(Section):
    seed: Seed
    width: Count  # of the item table and of SASRec
    layers: Count
    heads: Count
    feed_forward: Count
    dropout: float = Field(ge=0, lt=1)
    text: Literal["none"] | TextParams
    training: TrainingParams


class DecoderParams(Section):
    kind: Literal["config"]  # from scratch
    layers: Count
    width: Count
    heads: Count
    key_value_heads: Count  # fewer than heads: grouped queries share keys and values
    feed_forward: Count

    @model_validator(mode="after")
    def _heads_divide_width(self) -> DecoderParams:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} does not split into {self.heads} heads of even size")
        if self.heads % self.key_value_heads:
            raise ValueError(f"{self.heads} heads do not share {self.key_value_heads} key-value heads evenly")
        return self


class FullTuning(Section):
    kind: Literal["full"]


class LoraTuning(Section):
    kind: Literal["lora"]
    rank: Count
    alpha: float = Field(gt=0)  # the update is scaled by alpha / rank
    dropout: float = Field(ge=0, lt=1)
    targets: list[Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]] = Field(min_length=1)


Tuning = Annotated[FullTuning | LoraTuning, Field(discriminator="kind")]


class FirstLayers(Section):
    rule: Literal["first"]
    layers: Count


class EveryLayer(Section):
    rule: Literal["every"]
    step: Count  # keeps layers 1, 1 + step, 1 + 2 step, ...


class LeastChange(Section):
    rule: Literal["least_change"]  # removes the layers without which the output changes least
    layers: Count  # kept
    windows: Count  # the sample it is measured on


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
Backbone = Annotated[DecoderParams | Smollm2Params | FolderParams | HubParams, Field(discriminator="kind")]


class TrainTeacherParams(Section):
    seed: Seed
    backbone: Backbone
    dropout: float = Field(ge=0, lt=1)  # of the lifted item vectors and of the last state
    layer_drop: float = Field(ge=0, lt=1)  # chance that a training step skips a layer
    item_vectors: Literal["trained", "frozen"]
    training: TrainingParams


class RecordStatesParams(Section):
    keep: Literal["disk", "nothing"]  # nothing: the states are computed anew wherever they are read
    blocks: list[Count] = Field(min_length=1)
    top: Count
    precision: Literal["float16", "float32"]
    shard_positions: Count


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
        return self.decoder.layers if isinstance(self.decoder, DecoderParams) else len(self.decoder.teacher_layers)


class OfflineTeaching(Section):
    kind: Literal["offline"]  # the trained teacher's states, recorded once


class OnlineTeaching(Section):
    kind: Literal["online"]  # the teacher goes on learning beside the student
    detach: bool  # whether the student's imitation leaves the teacher alone
    teacher_weight: float = Field(gt=0)  # of the teacher's own ranking loss


class DistillStudentParams(StudentParams):
    seed: Seed
    teaching: Annotated[OfflineTeaching | OnlineTeaching, Field(discriminator="kind")]
    narrow: StudentParams | None  # a second student, from the same lesson


class EvaluateParams(Section):
    seed: Seed
    negatives: Count
    bootstrap: Count
    recent_days: Count
    short_history: Count
    tail_share: Share


class ExportParams(Section):
    seed: Seed
    model: Literal["student", "student_narrow"]  # which student is served
    opset: int = Field(ge=18, le=20)  # what was tried; from 23 on the exporter fuses attention, which is slower on a CPU
    max_score_difference: float = Field(gt=0)
    near_tie: float = Field(gt=0)  # scores closer than this share of their spread may change places
    min_same_top10: Share
    batches: list[Count] = Field(min_length=1)
    lengths: list[Count] = Field(min_length=1)
    compare_every: Count  # of the batches of test inputs, which are held against torch beside the grid
    top: Count


class MeasureCostParams(Section):
    seed: Seed
    repeats: Count
    steps: Count
    batch: Count
    users: Count


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
    def _blocks_fit_both_decoders(self) -> Params:
        blocks, backbone = self.record_states.blocks, self.train_teacher.backbone
        students = [self.distill_student, *([self.distill_student.narrow] if self.distill_student.narrow else [])]
        named = [*blocks, *(layer for student in students for layer in _teacher_layers(student))]
        if (layers := _kept_layers(backbone)) is not None and max(named) > layers:
            raise ValueError(f"layer {max(named)} is named, but train_teacher.backbone has {layers} layers")
        if blocks != sorted(set(blocks)):
            raise ValueError(f"record_states.blocks must rise, saw {blocks}")
        for student in students:
            if student.layers % len(blocks):
                raise ValueError(f"{student.layers} student layers do not split into the {len(blocks)} blocks of record_states")
        return self


def _teacher_layers(student: StudentParams) -> list[int]:
    return student.decoder.teacher_layers if isinstance(student.decoder, CutDecoder) else []


def _kept_layers(backbone: DecoderParams | Pretrained) -> int | None:
    """Depth of the teacher as far as params.yaml alone says it."""
    if isinstance(backbone, DecoderParams):
        return backbone.layers
    return None if isinstance(backbone.cut, EveryLayer) else backbone.cut.layers


SectionType = TypeVar("SectionType", bound=Section)


def read_section(name: str, kind: type[SectionType], path: Path) -> SectionType:
    """Read one section of a params file. Raises UsageError naming the key, what was seen and what is expected."""
    whole = _read_yaml(path)
    if name not in whole:
        raise UsageError(f"{path} has no section {name}; it has {', '.join(whole)}")
    return _checked(kind, whole[name], path, name)


def read_params(path: Path) -> Params:
    """Read and check the whole params file."""
    return _checked(Params, _read_yaml(path), path, "")


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UsageError(f"{path} is missing; run from the project's root")
    try:
        whole = YAML(typ="safe").load(path)
    except YAMLError as error:
        raise UsageError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(whole, dict):
        raise UsageError(f"{path} holds {type(whole).__name__}, expected sections")
    return whole


def _checked(kind: type[SectionType], value: Any, path: Path, prefix: str) -> SectionType:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        # A typo shows as an unknown key and a missing one; the unknown one is what the person wrote.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in ([prefix] if prefix else []) + list(first["loc"]))
        seen = "" if isinstance(first["input"], dict) else f", saw {first['input']!r}"
        raise UsageError(f"{path}: {where or 'sections'}: {first['msg']}{seen}") from error
