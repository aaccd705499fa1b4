"""What a trial of each part trains: the stages' own functions, without the test targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import torch

from slmrec.core import tables
from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.histories import read_histories
from slmrec.distillation.live_teacher import open_states
from slmrec.distillation.students import DistillationSetup, students_of
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import embedding_model, load_decoder, load_model, save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams, LowPassParams
from slmrec.params.distill_student import DistillStudentParams, OnlineTeaching
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.pretrained.title_vectors import title_vectors
from slmrec.stages.distill_student import distill_student
from slmrec.stages.embed_items import embed_items
from slmrec.stages.train_teacher import train_teacher
from slmrec.training.device import start_training
from slmrec.training.run import Watch
from slmrec.tuning.joined import Joined
from slmrec.tuning.settings import Sections
from slmrec.tuning.task import Logs, Task
from slmrec.tuning.validation_only import Trained, without_test

# Trains with these params and this checkpoint, watched.
Trainer = Callable[[Sections, Checkpoint, Watch | None], Trained]


def start_device(params: Sections) -> torch.device:
    """Torch as the stages start it, in a single process."""
    compute = ComputeParams.model_validate(params["compute"])
    return start_training(compute.model_copy(update={"processes": 1}))


class ItemVectors:
    """SASRec, as `embed_items` trains it: with titles, where they are read."""

    def __init__(self, logs: Logs, params: Sections, device: torch.device) -> None:
        self.p = EmbedItemsParams.model_validate(params["embed_items"])
        table = tables.read_table(logs.items, tables.ITEMS)
        self.items = int(table["item_index"].max()) + 1  # type: ignore[arg-type]
        text = self.p.text
        self.text = None if text == "none" else title_vectors(table, self.items, text.encoders)
        self.histories = without_test(read_histories(logs.histories))
        self.device = device

    @property
    def name(self) -> str:
        """Of the model's folder, as the stage calls it."""
        return "sasrec" if self.text is None else "sasrec_text"

    def train(self, params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        p = EmbedItemsParams.model_validate(params["embed_items"])
        return self.train_with(p, checkpoint, watch)

    def train_with(
        self,
        p: EmbedItemsParams,
        checkpoint: Checkpoint,
        watch: Watch | None,
        low_pass: LowPassParams | None = None,
    ) -> Trained:
        """Train with a section of its own, such as one of another seed."""
        logs = self.histories, self.text, self.items
        return embed_items(*logs, p, self.device, checkpoint, watch, low_pass=low_pass)


class Teacher:
    """The teacher, as `train_teacher` trains it."""

    def __init__(self, task: Task, device: torch.device) -> None:
        self.histories = without_test(read_histories(task.logs.histories))
        self.item_vectors, self.device = task.inputs["item_vectors"], device
        backbone = TrainTeacherParams.model_validate(task.params["train_teacher"]).backbone
        self.backbone = None if isinstance(backbone, DecoderParams) else open_backbone(backbone)

    def train(self, params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        p = TrainTeacherParams.model_validate(params["train_teacher"])
        embedding = load_model(embedding_model(self.item_vectors)).item_embedding
        teacher, _, curve = train_teacher(
            self.histories, embedding, p, self.backbone, self.device, checkpoint, watch
        )
        return teacher, curve


class Student:
    """A student, as `distill_student` trains it; `name` is one of `students_of`."""

    def __init__(self, task: Task, device: torch.device, name: str) -> None:
        self.task, self.device, self.name = task, device, name

    @cached_property
    def setup(self) -> DistillationSetup:
        """What it learns from, read once."""
        p = DistillStudentParams.model_validate(self.task.params["distill_student"])
        histories = without_test(read_histories(self.task.logs.histories))
        teacher = load_decoder(self.task.inputs["teacher"]).to(self.device)
        states = open_states(self.task.inputs["teacher_states"], histories, teacher)
        online = p.teaching if isinstance(p.teaching, OnlineTeaching) else None
        return DistillationSetup(histories, teacher, states, online, p.seed, self.device)

    def train(self, params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        p = DistillStudentParams.model_validate(params["distill_student"])
        return distill_student(self.setup, students_of(p)[self.name], checkpoint, self.name, watch)


def trainer_of(task: Task) -> Trainer:
    """How a trial of the task's part is trained."""
    device = start_device(task.params)
    if task.part == "item_vectors":
        return ItemVectors(task.logs, task.params, device).train
    if task.part == "teacher":
        return Teacher(task, device).train
    if task.part == "neighbours":
        return Joined(task).train
    return Student(task, device, task.part).train


def save_trained(task: Task, model: SequenceModel, folder: Path) -> None:
    """Write a trained model as the stage of the part leaves it."""
    if task.part == "item_vectors":
        text = task.params["embed_items"]["text"]
        folder = folder / ("sasrec" if text == "none" else "sasrec_text")
    save_model(model, folder)
