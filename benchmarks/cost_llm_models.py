"""The four models whose cost is compared, and how each of them learns."""

from __future__ import annotations

import numpy as np
import torch

from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories, Protocol, Targets, Windows
from slmrec.distillation.objective import Distillation
from slmrec.distillation.teacher_outputs import TeacherOutputs
from slmrec.evaluation.timing import Learner
from slmrec.models.factory import SequenceModel, cut_decoder, new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import DecoderParams, LoraTuning
from slmrec.params.distill_student import DistillWeights
from slmrec.params.train_teacher import FirstLayers, Smollm2Params
from slmrec.params.training import LossParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.objectives import next_item_objective, weighted_loss

ITEMS, USERS, LONGEST, WIDTH = 12_000, 2_000, 30, 128
TEACHER_LAYERS = 30
TOP = 64
LORA = LoraTuning(
    kind="lora", rank=16, alpha=16, dropout=0.05, targets=["gate_proj", "up_proj", "down_proj"]
)
NARROW = DecoderParams(
    kind="config", layers=2, width=128, heads=2, key_value_heads=2, feed_forward=256
)
WEIGHTS = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=1)
BLOCKS = 2


def simulate_histories() -> Histories:
    """Users of random items, lengths as on amazon-beauty-2014: a few long, most short."""
    random = np.random.default_rng(1)
    lengths = 3 + np.minimum(random.geometric(0.15, USERS), LONGEST - 3)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows, starts = np.arange(USERS), np.zeros(USERS, dtype=np.int64)
    return Histories(
        protocol=Protocol("leave_one_out", LONGEST, exclude_seen=True),
        users=rows.astype(np.uint32),
        offsets=offsets,
        items=random.integers(2, ITEMS, offsets[-1]),
        times=np.arange(offsets[-1]),
        windows=Windows(rows.astype(np.uint32), rows, starts, lengths - 1),
        targets={part: Targets(rows, lengths - 1, lengths - 1) for part in ("valid", "test")},
    )


def new_models() -> dict[str, SequenceModel]:
    """The four models over one item embedding; the teacher is the whole SmolLM2."""
    torch.manual_seed(1)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), WIDTH, None, 0.0)
    cut = FirstLayers(rule="first", layers=TEACHER_LAYERS)
    p = Smollm2Params(kind="smollm2-135m", cut=cut, tuning=LORA, prompt=None)
    settings = DecoderSettings(embedding, dropout=0.1, layer_drop=0.0, max_length=LONGEST)
    teacher, _ = pretrained_decoder(open_backbone(p), p, settings, lambda _: torch.zeros(0))
    return {
        "teacher": teacher,
        "student": cut_decoder(teacher, embedding, [1, 2, 3, 4], 0.1, 0.0),
        "student_narrow": new_decoder(embedding, NARROW, 0.1, 0.0, LONGEST),
        "sasrec": SASRec(embedding, 2, 2, 256, 0.1, LONGEST),
    }


def learners(
    models: dict[str, SequenceModel], histories: Histories, loss_params: LossParams
) -> dict[str, Learner]:
    """What is trained of each model, as the quality benchmark trains it.

    Teacher and paper-shaped student learn through LoRA; the students learn from teacher outputs,
    the others from the next item alone.
    """
    teacher = models["teacher"]
    assert isinstance(teacher, LlamaRecommender)
    by_name: dict[str, Learner] = {}
    for name, model in models.items():
        next_item_loss = NextItemLoss(model.item_embedding, loss_params, histories)
        if name in ("teacher", "student") and isinstance(model, LlamaRecommender):
            prepare_layers(model, LORA)
        if name.startswith("student") and isinstance(model, LlamaRecommender):
            by_name[name] = student_learner(model, teacher.shape.width, next_item_loss)
        else:
            objective = next_item_objective(model, next_item_loss)
            by_name[name] = model, weighted_loss(objective, {"ranking": 1.0})
    return by_name


def student_learner(
    student: LlamaRecommender, teacher_width: int, next_item_loss: NextItemLoss
) -> Learner:
    """The student with its training heads, and all terms of its loss."""
    distillation = Distillation(student, teacher_width, BLOCKS)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        outputs = constant_outputs(batch, teacher_width)
        return distillation.losses(batch, outputs, next_item_loss, WEIGHTS)

    return distillation, weighted_loss(objective, WEIGHTS.model_dump())


def constant_outputs(batch: Batch, width: int) -> TeacherOutputs:
    """Teacher outputs of the right shape at no cost, as recorded ones are read from memory."""
    positions = int(batch.real.sum())
    return TeacherOutputs(
        states=torch.ones(positions, BLOCKS, width),
        items=torch.arange(2, 2 + TOP).expand(positions, TOP),
        log_probs=torch.full((positions, TOP), -5.0),
    )
