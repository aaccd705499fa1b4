"""Every model is timed on the same work, in turn, as training and serving do it."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from slmrec.dataset.batches import Batch
from slmrec.evaluation.timing import (
    cost_report,
    epoch_seconds,
    sampled_batches,
    serving_batches,
    serving_from_bundle,
    serving_in_torch,
    time_in_turn,
    training_steps,
    users_per_second,
)
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.runtime import Recommender
from tests.support.histories import TRAINING, histories_of, ring_histories

ITEMS = 14
RING = ring_histories(60, ITEMS - 2, 8)
P = MeasureCostParams(seed=1, repeats=2, steps=1, batch=4, users=10)


class FakeRecommender:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.requests: list[tuple[list[list[int]], tuple[int, ...], int]] = []

    def recommend_indices(self, history: np.ndarray, exclude: np.ndarray, k: int) -> None:
        self.requests.append((history.tolist(), exclude.shape, k))


def sasrec() -> SASRec:
    torch.manual_seed(1)
    embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    return SASRec(embedding, 1, 2, 16, 0.0, 8)


def test_tasks_take_turns_and_the_first_round_is_not_counted() -> None:
    calls: list[str] = []
    tasks = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    seconds = time_in_turn(tasks, 2)
    assert calls == ["a", "b"] * 3
    assert {name: len(times) for name, times in seconds.items()} == {"a": 2, "b": 2}
    assert all(time >= 0 for times in seconds.values() for time in times)


def test_samples_scale_to_the_epoch_by_their_positions() -> None:
    batches, scale = sampled_batches(RING, TRAINING, 2, seed=1)
    positions = sum(int(batch.real.sum()) for batch in batches)
    assert len(batches) == 2
    assert positions * scale == pytest.approx(RING.windows.positions.sum())


def test_all_batches_of_an_epoch_scale_by_one() -> None:
    batches, scale = sampled_batches(RING, TRAINING, 10_000, seed=1)
    assert sum(len(batch.windows) for batch in batches) == len(RING.windows.row)
    assert scale == 1


def test_training_takes_a_step_on_each_batch() -> None:
    model = sasrec()
    seen: list[int] = []
    weights = [model.item_embedding.ids.detach().clone()]

    def loss(batch: Batch) -> torch.Tensor:
        seen.append(len(batch.windows))
        weights.append(model.item_embedding.ids.detach().clone())
        return model(batch.items).square().mean()

    batches, _ = sampled_batches(RING, TRAINING, 3, seed=1)
    training_steps(model, loss, batches, TRAINING)()
    assert seen == [len(batch.windows) for batch in batches]
    assert not torch.equal(weights[-1], weights[-2]), "each step changes the weights"
    assert all(weight.grad is None for weight in model.parameters()), "no gradient is left over"


def test_users_are_drawn_without_repetition_where_there_are_enough() -> None:
    histories = histories_of([[item, item, item, 2] for item in range(3, 13)], max_length=2)
    batches = serving_batches(histories, P)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    drawn = np.concatenate(batches)
    assert drawn.shape == (10, 2)
    assert sorted(drawn[:, 0].tolist()) == list(range(3, 13))


def test_with_fewer_users_than_asked_for_some_come_again() -> None:
    histories = histories_of([[3, 3, 3, 2], [4, 4, 4, 2]], max_length=2)
    drawn = np.concatenate(serving_batches(histories, P))
    assert len(drawn) == 10
    assert set(drawn[:, 0].tolist()) <= {3, 4}


def test_serving_ranks_the_items_for_each_input(monkeypatch: pytest.MonkeyPatch) -> None:
    model = sasrec().train()
    scored: list[torch.Tensor] = []
    monkeypatch.setattr("slmrec.evaluation.timing.torch.topk", lambda s, _k: scored.append(s))
    serving_in_torch(model, [np.array([[3, 4, 5], [6, 0, 0]])])()
    assert not model.training
    with torch.no_grad():
        vectors = model.item_embedding.folded()
        expected = [model(torch.tensor([items]))[0, -1] @ vectors.T for items in ([3, 4, 5], [6])]
    torch.testing.assert_close(scored[0], torch.stack(expected))


def test_serving_from_a_bundle_asks_for_the_same_lists() -> None:
    recommender = FakeRecommender()
    batches = [np.array([[3, 4], [5, 0]]), np.array([[6, 0]])]
    serving_from_bundle(cast(Recommender, recommender), batches)()
    assert recommender.requests == [([[3, 4], [5, 0]], (2, 0), 10), ([[6, 0]], (1, 0), 10)]


def test_seconds_of_an_epoch_are_the_median_of_the_sample_times_its_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "slmrec.evaluation.timing.time_in_turn", lambda tasks, _: dict.fromkeys(tasks, (9, 1, 2))
    )
    _, scale = sampled_batches(RING, TRAINING, P.steps, P.seed)
    model = sasrec()
    learners = {"a": (model, lambda batch: model(batch.items).mean())}
    assert epoch_seconds(learners, RING, TRAINING, P) == {"a": 2 * scale}


def test_users_a_second_are_those_of_the_median_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "slmrec.evaluation.timing.time_in_turn", lambda tasks, _: dict.fromkeys(tasks, (9, 1, 2))
    )
    recommender = cast(Recommender, FakeRecommender())
    assert users_per_second({"sasrec": sasrec()}, recommender, RING, P) == {
        "sasrec": 10 / 2,  # P.users
        "student_onnx": 10 / 2,
    }


def test_what_was_not_trained_has_no_seconds_of_an_epoch() -> None:
    report = cost_report({"a": 1, "b": 2}, {"a": 30.0, "b": 40.0}, {"a": 5.0})
    assert report == {
        "a": {"parameters": 1, "users_per_second": 30.0, "epoch_seconds": 5.0},
        "b": {"parameters": 2, "users_per_second": 40.0},
    }
