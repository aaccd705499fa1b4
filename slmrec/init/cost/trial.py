"""Timed training steps of each model on made-up histories: `python -m slmrec.init.cost.trial`.

Reads a Trial as JSON from standard input and writes a list of Rates to standard output. It is a
process of its own, so that torch is not imported by `slmrec init`, and memory is the models' alone.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.batches import Batch, make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.dataset.histories import Histories, Protocol, Windows
from slmrec.evaluation.timing import training_steps
from slmrec.init.cost.trial_settings import Rate, Trial
from slmrec.models.factory import SequenceModel, new_decoder, new_layers_of_sasrec, new_sasrec
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import CutDecoder, DistillStudentParams
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.params.train_teacher import FirstLayers, PretrainedParams, TrainTeacherParams
from slmrec.params.training import TrainingParams
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.losses.softmax import SoftTargets

HISTORIES = 600  # made up; a step reads some of them
STEPS, REPEATS = 2, 3
SCORED = 64  # positions whose scores are ranked
ENOUGH_SECONDS = 4.0  # of one measurement
LISTED = 64  # items that are recorded at a position
THREADS_SHARE = 0.8  # of the time of several threads that is work on more than one core
EPSILON = 1e-5
SMOLLM2 = {"width": 576, "heads": 9, "key_value_heads": 3, "feed_forward": 1536}
ROPE = {"rope_type": "default", "rope_theta": 100_000.0}


@dataclass(frozen=True)
class Learner:
    """A model, its loss of a batch, and how it is trained."""

    model: SequenceModel
    loss: Callable[[Batch], Tensor]
    training: TrainingParams


def made_up_histories(trial: Trial) -> Histories:
    """Random items in histories of the logs' lengths."""
    random = np.random.default_rng(0)
    shares = np.linspace(0, 1, HISTORIES)
    lengths = np.interp(shares, trial.quantiles, trial.lengths).round().astype(np.int64)
    lengths = np.clip(lengths, 2, trial.max_length + 1)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.arange(HISTORIES)
    items = random.integers(FIRST_ITEM, trial.items + FIRST_ITEM, size=int(offsets[-1]))
    windows = Windows(rows.astype(np.uint32), rows, np.zeros_like(rows), lengths)
    protocol = Protocol("leave_one_out", trial.max_length, True)
    users = rows.astype(np.uint32)
    return Histories(protocol, users, offsets, items, np.zeros_like(items), windows, {})


def learners(trial: Trial, histories: Histories) -> dict[str, Callable[[], Learner]]:
    """How to make each model of a run, smaller ones first, so that peaks of memory are theirs."""
    embed = EmbedItemsParams.model_validate(trial.embed_items)
    student = DistillStudentParams.model_validate(trial.distill_student)
    makers: dict[str, Callable[[], Learner]] = {
        "sasrec": partial(_sasrec, trial, embed, histories),
        "student": partial(_student, trial, student, embed, histories),
    }
    for name, section in trial.teachers.items():
        teacher = TrainTeacherParams.model_validate(section)
        makers[name] = partial(_teacher, trial, teacher, embed, histories)
    return makers


def _trained(trial: Trial) -> Tensor:
    return torch.ones(trial.items + FIRST_ITEM, dtype=torch.bool)


def _text(trial: Trial) -> Tensor | None:
    return torch.randn(trial.items + FIRST_ITEM, trial.text_width) if trial.text_width else None


def _sasrec(trial: Trial, p: EmbedItemsParams, histories: Histories) -> Learner:
    model = new_sasrec(_trained(trial), _text(trial), p, trial.max_length)
    return Learner(model, _ranking(model, p.training, histories), p.training)


def _embedding(trial: Trial, p: EmbedItemsParams) -> ItemEmbedding:
    return ItemEmbedding(_trained(trial), p.width, _text(trial), 0.1 if trial.text_width else 0.0)


def _teacher(
    trial: Trial, p: TrainTeacherParams, embed: EmbedItemsParams, histories: Histories
) -> Learner:
    """From scratch, or a decoder of SmolLM2's shape, whose speed does not hang on its weights."""
    embedding = _embedding(trial, embed)
    if isinstance(p.backbone, DecoderParams):
        model = new_decoder(embedding, p.backbone, p.dropout, p.layer_drop, trial.max_length)
    else:
        model = _wide_decoder(embedding, p.backbone, p, trial.max_length)
    return Learner(model, _ranking(model, p.training, histories), p.training)


def _wide_decoder(
    embedding: ItemEmbedding, backbone: PretrainedParams, p: TrainTeacherParams, max_length: int
) -> LlamaRecommender:
    assert isinstance(backbone.cut, FirstLayers)
    shape = DecoderShape(layers=backbone.cut.layers, norm_epsilon=EPSILON, rope=ROPE, **SMOLLM2)
    model = LlamaRecommender(embedding, shape, p.dropout, p.layer_drop, max_length)
    prepare_layers(model, backbone.tuning)
    return model


def _student(
    trial: Trial, p: DistillStudentParams, embed: EmbedItemsParams, histories: Histories
) -> Learner:
    """The student with made-up soft targets, as it learns from recorded ones."""
    assert not isinstance(p.decoder, CutDecoder)
    embedding = _embedding(trial, embed)
    model: SequenceModel
    if isinstance(p.decoder, DecoderParams):
        model = new_decoder(embedding, p.decoder, p.dropout, p.layer_drop, trial.max_length)
    else:
        model = new_layers_of_sasrec(embedding, p.decoder, p.dropout, trial.max_length)
    ranking = NextItemLoss(embedding, p.training.loss, histories)
    weights = (p.weights.ranking, p.weights.logits)

    def loss(batch: Batch) -> Tensor:
        targets = batch.targets[batch.real]
        best = torch.randint(FIRST_ITEM, trial.items + FIRST_ITEM, (len(targets), trial.top))
        log_probs = torch.log_softmax(torch.randn(best.shape), dim=1) - 0.1
        vectors = batch.at_real(model(batch.items))
        parts = ranking.loss_with_soft_targets(
            vectors, targets, SoftTargets(best, log_probs), weights
        )
        return weights[0] * parts[0] + weights[1] * parts[1]

    return Learner(model, loss, p.training)


def _ranking(
    model: SequenceModel, p: TrainingParams, histories: Histories
) -> Callable[[Batch], Tensor]:
    ranking = NextItemLoss(model.item_embedding, p.loss, histories)
    return lambda batch: ranking.loss(batch.at_real(model(batch.items)), batch.targets[batch.real])


def measure(name: str, learner: Learner, histories: Histories) -> Rate:
    """Seconds a position of training, reading and ranking, and the peak of memory so far."""
    groups = batches_of_epoch(histories, learner.training.positions_per_batch, 0, 0)[:STEPS]
    batches = [make_batch(histories, group) for group in groups]
    count = sum(int(batch.real.sum()) for batch in batches)
    step = training_steps(learner.model, learner.loss, batches, learner.training)
    return Rate(
        name,
        _seconds(step) / count,
        _seconds(_reading(learner.model, batches)) / count,
        _seconds(_listing(learner.model)) / SCORED,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _reading(model: SequenceModel, batches: list[Batch]) -> Callable[[], None]:
    """Work that reads the batches without training."""

    def run() -> None:
        model.eval()
        with torch.inference_mode():
            for batch in batches:
                model(batch.items)

    return run


def _listing(model: SequenceModel) -> Callable[[], None]:
    """Work that finds the best items of some positions, as record_states does."""
    vectors = torch.randn(SCORED, model.item_embedding.width)
    table = model.item_embedding.folded().detach()
    return lambda: _list_items(vectors, table)


def _list_items(vectors: Tensor, table: Tensor) -> None:
    with torch.inference_mode():
        torch.log_softmax(vectors @ table.T, dim=1).topk(min(LISTED, len(table)))


def _seconds(work: Callable[[], None]) -> float:
    """The median of some runs on cores of its own, after one that warms up.

    Where others use the cores, seconds on the clock say little; processor seconds, shared by the
    threads as well as these usually share them, say what an idle machine would take.
    """
    begun = time.perf_counter()
    work()
    seconds: list[float] = []
    while len(seconds) < REPEATS and not (seconds and time.perf_counter() - begun > ENOUGH_SECONDS):
        started, used = time.perf_counter(), time.process_time()
        work()
        clock, processor = time.perf_counter() - started, time.process_time() - used
        seconds.append(min(clock, processor / (torch.get_num_threads() * THREADS_SHARE)))
    return statistics.median(seconds)


def main() -> None:
    """Measure every model of the trial, one after the other."""
    trial = Trial(**json.load(sys.stdin))
    torch.manual_seed(0)
    torch.set_num_threads(trial.threads)
    histories = made_up_histories(trial)
    rates: list[dict[str, Any]] = []
    for name, make in learners(trial, histories).items():
        rates.append(asdict(measure(name, make(), histories)))
    json.dump(rates, sys.stdout)


if __name__ == "__main__":
    main()
