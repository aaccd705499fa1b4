"""The sections of params.yaml from histories to a bundle and its cost, and what they run on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slmrec.sections import Count, Section, Seed, Share


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
    ensemble_seeds: list[Seed]  # of further models, whose scores students imitate beside the first one's and the teacher's
    width: Count  # of the item table and of SASRec
    layers: Count
    heads: Count
    feed_forward: Count
    dropout: float = Field(ge=0, lt=1)
    text: Literal["none"] | TextParams
    training: TrainingParams

    @model_validator(mode="after")
    def _seeds_differ(self) -> EmbedItemsParams:
        seeds = [self.seed, *self.ensemble_seeds]
        if len(set(seeds)) < len(seeds):
            raise ValueError(f"seed and ensemble_seeds are {seeds}; two models of one seed are one model, so they must differ")
        return self


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


ItemVectors = Literal["trained", "frozen"]  # frozen: as the stage before left them


class TrainTeacherParams(Section):
    seed: Seed
    backbone: Backbone
    dropout: float = Field(ge=0, lt=1)  # of the lifted item vectors and of the last state
    layer_drop: float = Field(ge=0, lt=1)  # chance that a training step skips a layer
    item_vectors: ItemVectors
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
