"""Cost beside the 30-layer teacher: SmolLM2-135M whole and cut to four layers, a narrow student, and SASRec, in one process.

Run as: python -m benchmarks.cost_llm [--threads 2] [--repeats 3] [--users 256] [--steps 2]
Histories are simulated (lengths 2 to 30, 12,000 items): cost does not depend on what the weights
are. Every model trains on the same batches as the quality benchmark trains it (teacher and
paper-shaped student through LoRA, the narrow student in full, both students with recorded states,
all against drawn negatives) and serves the same users; students also as exported. All in fp32.
Results: benchmarks/results/cost_llm.json, times of this machine, all four models measured in turn.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from slmrec.core.files import write_json
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories, Protocol, Targets, Windows
from slmrec.distillation.objective import Distillation
from slmrec.distillation.teacher_outputs import TeacherOutputs
from slmrec.evaluation.timing import (
    LIST_LENGTH,
    sampled_batches,
    serving_batches,
    serving_in_torch,
    time_in_turn,
    training_steps,
)
from slmrec.export.graph import export_graph
from slmrec.models.factory import SequenceModel, cut_decoder, decoder_parameters, new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.models.sasrec import SASRec
from slmrec.params.decoder import DecoderParams, LoraTuning
from slmrec.params.distill_student import DistillWeights
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.train_teacher import FirstLayers, Smollm2Params
from slmrec.params.training import LossParams, SampledSoftmaxLoss, TrainingParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder
from slmrec.runtime.session import answer, open_session
from slmrec.studies.environment import PACKAGES, machine
from slmrec.training.losses.next_item import NextItemLoss

RESULTS = Path(__file__).resolve().parent / "results" / "cost_llm.json"
ITEMS, USERS, LONGEST, WIDTH = 12_000, 2_000, 30, 128
TOP = 64
LORA = LoraTuning(
    kind="lora", rank=16, alpha=16, dropout=0.05, targets=["gate_proj", "up_proj", "down_proj"]
)
NARROW = DecoderParams(
    kind="config", layers=2, width=128, heads=2, key_value_heads=2, feed_forward=256
)
WEIGHTS = DistillWeights(ranking=1, cosine=1, norm=0.1, multi_supervision=0.1, logits=1)
BLOCKS = 2
NEGATIVES = SampledSoftmaxLoss(
    kind="sampled_softmax", negatives=2048, uniform_share=0.5, rows="all"
)
Loss = Callable[[Batch], torch.Tensor]


def simulated() -> Histories:
    """Users of random items, lengths as on amazon-beauty-2014: a few long, most short."""
    random = np.random.default_rng(1)
    lengths = 3 + np.minimum(random.geometric(0.15, USERS), LONGEST - 3)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(USERS)
    return Histories(
        protocol=Protocol("leave_one_out", LONGEST, exclude_seen=True),
        users=rows.astype(np.uint32),
        offsets=offsets,
        items=random.integers(2, ITEMS, offsets[-1]),
        times=np.arange(offsets[-1]),
        windows=Windows(rows.astype(np.uint32), rows, np.zeros(USERS, dtype=np.int64), lengths - 1),
        targets={part: Targets(rows, lengths - 1, lengths - 1) for part in ("valid", "test")},
    )


def models() -> dict[str, SequenceModel]:
    """The four models over one kind of item table; the teacher is the whole SmolLM2."""
    torch.manual_seed(1)
    table = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), WIDTH, None, 0.0)
    p = Smollm2Params(
        kind="smollm2-135m", cut=FirstLayers(rule="first", layers=30), tuning=LORA, prompt=None
    )
    teacher, _ = pretrained_decoder(
        open_backbone(p), p, DecoderSettings(table, 0.1, 0.0, LONGEST), lambda _: torch.zeros(0)
    )
    return {
        "teacher": teacher,
        "student": cut_decoder(teacher, table, [1, 2, 3, 4], 0.1, 0.0),
        "student_narrow": new_decoder(table, NARROW, 0.1, 0.0, LONGEST),
        "sasrec": SASRec(table, 2, 2, 256, 0.1, LONGEST),
    }


class RandomStates:
    """Rows of the right shape at no cost, as recorded ones would be read from memory."""

    def __init__(self, width: int) -> None:
        self.width = width

    def rows(self, windows: torch.Tensor, real: torch.Tensor) -> TeacherOutputs:
        """The same numbers for every window in `windows`, as many as `real` asks for."""
        count = int(real.sum()) + 0 * len(windows)
        items = torch.arange(2, 2 + TOP).expand(count, TOP)
        return TeacherOutputs(
            torch.ones(count, BLOCKS, self.width), items, torch.full((count, TOP), -5.0)
        )


def training(
    name: str, model: SequenceModel, teacher_width: int, histories: Histories, loss: LossParams
) -> tuple[torch.nn.Module, Loss]:
    """What learns, and its loss: students with all terms, the others on the next item."""
    ranking = NextItemLoss(model.item_embedding, loss, histories)
    if name.startswith("student") and isinstance(model, LlamaRecommender):
        distillation, states, weights = (
            Distillation(model, teacher_width, BLOCKS),
            RandomStates(teacher_width),
            WEIGHTS.model_dump(),
        )

        def distilled(batch: Batch) -> torch.Tensor:
            parts = distillation.parts(batch, states, ranking, WEIGHTS)
            return torch.stack([weights[part] * value for part, value in parts.items()]).sum()

        return distillation, distilled
    return model, lambda batch: ranking.loss(
        model(batch.items)[batch.real], batch.targets[batch.real]
    )


def served(
    found: dict[str, SequenceModel], histories: Histories, p: MeasureCostParams, threads: int
) -> dict[str, float]:
    """Users per second: each model in torch, the students and SASRec also as exported."""
    batches = serving_batches(histories, p)
    work = {name: serving_in_torch(model, batches) for name, model in found.items()}
    candidates = torch.ones(ITEMS, dtype=torch.bool)
    for name in ("student", "student_narrow", "sasrec"):
        session = open_session(
            export_graph(found[name], candidates, 18).SerializeToString(), "cpu", threads
        )
        work[f"{name}_onnx"] = exported(session, batches)
    return {
        name: p.users / statistics.median(seconds)
        for name, seconds in time_in_turn(work, p.repeats).items()
    }


def exported(
    session: onnxruntime.InferenceSession, batches: list[np.ndarray]
) -> Callable[[], None]:
    """Work that recommends ten items to each user with a graph."""

    def run() -> None:
        for items in batches:
            answer(session, items, np.zeros((len(items), 0), dtype=np.int64), LIST_LENGTH)

    return run


def trained(
    found: dict[str, SequenceModel],
    histories: Histories,
    p: MeasureCostParams,
    training_p: TrainingParams,
) -> dict[str, float]:
    """Seconds of one epoch over the simulated histories."""
    batches, scale = sampled_batches(histories, training_p, p.steps, p.seed)
    teacher, student = found["teacher"], found["student"]
    assert isinstance(teacher, LlamaRecommender) and isinstance(student, LlamaRecommender)
    prepare_layers(teacher, LORA)
    prepare_layers(student, LORA)
    work = {}
    for name, model in found.items():
        learns, loss = training(name, model, teacher.shape.width, histories, training_p.loss)
        work[name] = training_steps(learns, loss, batches, training_p)
    return {
        name: statistics.median(seconds) * scale
        for name, seconds in time_in_turn(work, p.repeats).items()
    }


def main() -> None:
    """Measure, compare with the teacher and with the paper's bars, write the JSON."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--users", type=int, default=256)
    asked.add_argument("--steps", type=int, default=2)
    given = asked.parse_args()
    torch.set_num_threads(given.threads)
    p = MeasureCostParams(
        seed=1, repeats=given.repeats, steps=given.steps, batch=128, users=given.users
    )
    training_p = TrainingParams(
        epochs=1, positions_per_batch=1600, learning_rate=1e-4, warmup_steps=0, weight_decay=0.0, clip_norm=1.0, unknown_rate=0.0,
        loss=NEGATIVES, patience=1, validation_targets=1, checkpoint_seconds=60,
    )  # fmt: skip
    histories, found = simulated(), models()
    parameters = {name: decoder_parameters(model) for name, model in found.items()}
    users, epochs = (
        served(found, histories, p, given.threads),
        trained(found, histories, p, training_p),
    )
    result: dict[str, Any] = {
        name: {
            "parameters": parameters[name],
            "users_per_second": users[name],
            "epoch_seconds": epochs[name],
        }
        for name in found
    } | {
        name: {"users_per_second": speed} for name, speed in users.items() if name.endswith("_onnx")
    }
    result["against_the_teacher"] = {
        name: {
            "parameters": parameters[name] / parameters["teacher"],
            "epochs_faster": epochs["teacher"] / epochs[name],
            "served_faster_as_exported": users[f"{name}_onnx"] / users["teacher"],
        }
        for name in ("student", "student_narrow", "sasrec")
    }
    asked_for = {
        "repeats": given.repeats,
        "users": given.users,
        "steps": given.steps,
        "onnxruntime": onnxruntime.__version__,
    }
    result["made_with"] = machine(given.threads, *PACKAGES, "onnx") | asked_for
    write_json(RESULTS, result)
    for name, factors in result["against_the_teacher"].items():
        print(name, {key: round(value, 3) for key, value in factors.items()})


if __name__ == "__main__":
    main()
