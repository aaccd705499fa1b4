"""Shapes, regularisation, loss, batches and epochs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slmrec.init.rules.model_rules import (
    MODELS,
    dropout,
    epochs,
    hidden_inputs,
    loss,
    shapes,
    steps,
    weight_decay,
)
from tests.init.support import BEAUTY, NOTHING, SCRATCH, STEAM, facts

LLM = replace(SCRATCH, pretrained=True)


def test_beauty_gets_what_its_experts_chose() -> None:
    f = facts(BEAUTY, plan=LLM)
    settings = shapes(f) | dropout(f) | weight_decay(f) | loss(f) | steps(f) | epochs(f)

    assert settings["embed_items.width"] == 128
    assert settings["embed_items.dropout"] == settings["distill_student.dropout"] == 0.5
    assert settings["train_teacher.dropout"] == 0.3
    assert {settings[f"{model}.training.weight_decay"] for model in MODELS} == {0.5}
    assert settings["embed_items.training.loss"]["negatives"] == 2048
    assert settings["embed_items.training.positions_per_batch"] == 1024
    assert settings["train_teacher.training.positions_per_batch"] == 400
    assert [settings[f"{model}.training.epochs"] for model in MODELS] == [20, 3, 20]
    assert settings["embed_items.training.patience"] == 20


def test_a_student_has_sasrecs_layers_unless_the_split_is_by_time() -> None:
    last, late = facts(BEAUTY, titles=False), facts(STEAM, titles=False)
    decoder = shapes(last)["distill_student.decoder"]

    assert (decoder["kind"], decoder["heads"], decoder["low_pass"]["span"]) == ("sasrec", 1, 4)
    assert shapes(last)["distill_student.item_vectors"] == "new"
    assert hidden_inputs(last)["distill_student.training.unknown_rate"] == 0.01
    assert shapes(late)["distill_student.decoder"]["kind"] == "config"
    assert shapes(late)["distill_student.item_vectors"] == "trained"
    assert hidden_inputs(late)["distill_student.training.unknown_rate"] == 0.2
    assert epochs(late)["distill_student.training.epochs"] == 16


@pytest.mark.parametrize(
    ("items", "kind", "rows"),
    [
        (1_682, "softmax", None),
        (12_086, "sampled_softmax", "all"),
        (400_000, "sampled_softmax", "touched"),
    ],
)
def test_the_loss_goes_by_the_catalogue(items: int, kind: str, rows: str | None) -> None:
    chosen = loss(facts(items=items))["embed_items.training.loss"]

    assert (chosen["kind"], chosen.get("rows")) == (kind, rows)


@pytest.mark.parametrize(
    ("events", "batch", "rate"),
    [
        (5_000, 128, 1e-3),
        (100_000, 1024, 1e-3),
        (300_000, 2048, 2e-3),  # 300,000 / 100 steps, a power of two
        (50_000_000, 8192, 3e-3),
    ],
)
def test_batches_leave_a_hundred_steps_an_epoch(events: int, batch: int, rate: float) -> None:
    settings = steps(facts(events=events))

    assert settings["embed_items.training.positions_per_batch"] == batch
    assert settings["embed_items.training.learning_rate"] == rate


def test_dense_logs_need_less_regularisation() -> None:
    dense = facts(STEAM, events=1_000_000)  # 278 events an item

    assert dropout(dense)["embed_items.dropout"] == 0.2
    assert weight_decay(facts(STEAM))["embed_items.training.weight_decay"] == 0.1


def test_larger_logs_and_smaller_budgets_take_fewer_epochs() -> None:
    half = replace(SCRATCH, epochs=0.5)

    assert epochs(facts(events=20_000_000))["embed_items.training.epochs"] == 5
    assert epochs(facts(plan=half))["embed_items.training.epochs"] == 10
    assert epochs(facts(plan=replace(SCRATCH, epochs=0.01)))["train_teacher.training.epochs"] == 1


def test_inputs_are_hidden_where_ids_are_all_there_is() -> None:
    assert hidden_inputs(facts())["distill_student.training.unknown_rate"] == 0.01
    ids = hidden_inputs(facts(extras=NOTHING))
    assert ids["train_teacher.training.unknown_rate"] == 0.2
    assert ids["embed_items.training.unknown_rate"] == 0.01


def test_a_small_catalogue_of_few_events_is_narrow() -> None:
    assert shapes(facts(items=1_682, events=100_000))["embed_items.width"] == 64
    assert shapes(facts(items=1_682, events=900_000))["embed_items.width"] == 128
