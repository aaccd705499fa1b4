"""Which optimizer each weight gets, the learning-rate schedule, and the clipping of gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.training.optimizer import clip_gradients, make_optimizers, warmup_cosine
from slmrec.training.touched_rows_adamw import TouchedRowsAdamW
from tests.support.histories import TRAINING
from tests.support.models import small_sasrec


def embedding(sparse: bool) -> ItemEmbedding:
    model = small_sasrec(1)
    model.item_embedding.sparse_gradients = sparse
    return model.item_embedding


def test_matrices_decay_and_vectors_do_not() -> None:
    model = small_sasrec(1)
    [adamw] = make_optimizers(model, TRAINING)
    matrices, vectors = adamw.param_groups
    assert matrices["weight_decay"] == TRAINING.weight_decay and vectors["weight_decay"] == 0
    assert {weight.ndim for weight in matrices["params"]} == {2}
    assert {weight.ndim for weight in vectors["params"]} == {1}
    weights = matrices["params"] + vectors["params"]
    assert len(weights) == len(list(model.parameters()))
    assert adamw.defaults["lr"] == TRAINING.learning_rate


def test_an_embedding_of_sparse_gradients_gets_an_optimizer_of_its_own() -> None:
    model = small_sasrec(1)
    model.item_embedding.sparse_gradients = True
    adamw, touched_rows = make_optimizers(model, TRAINING)
    assert isinstance(touched_rows, TouchedRowsAdamW)
    [group] = touched_rows.param_groups
    assert len(group["params"]) == 1 and group["params"][0] is model.item_embedding.ids
    assert not any(w is model.item_embedding.ids for g in adamw.param_groups for w in g["params"])


def test_frozen_weights_get_no_optimizer() -> None:
    model = small_sasrec(1)
    model.item_embedding.sparse_gradients = True
    model.item_embedding.requires_grad_(False)
    [adamw] = make_optimizers(model, TRAINING)
    ids = model.item_embedding.ids
    assert not any(weight is ids for group in adamw.param_groups for weight in group["params"])


def test_the_learning_rate_rises_linearly_and_falls_along_half_a_cosine() -> None:
    shares = [warmup_cosine(step, warmup=4, total=12) for step in range(12)]
    assert shares[:4] == [1 / 4, 2 / 4, 3 / 4, 4 / 4]
    assert shares[4] == 1
    assert shares[8] == pytest.approx(1 / 2)  # half of the 8 steps after warming up
    assert shares[11] == pytest.approx(0.5 * (1 + math.cos(math.pi * 7 / 8)))
    assert warmup_cosine(0, warmup=0, total=1) == 1


@pytest.mark.parametrize("sparse", [False, True])
def test_gradients_are_scaled_to_their_common_norm_at_most(sparse: bool) -> None:
    items, other = embedding(sparse), nn.Parameter(torch.zeros(2))
    (3 * items(torch.tensor([4, 4]))[:, 0].sum()).backward()  # the gradient is 2 x 3 in one place
    other.grad = torch.tensor([0.0, 8.0])
    unused = nn.Parameter(torch.zeros(1))
    clip_gradients([items.ids, other, unused], max_norm=5)
    assert items.ids.grad is not None
    # the common norm is sqrt(6^2 + 8^2) = 10, so all is halved
    assert items.ids.grad.to_dense()[4, 0].item() == pytest.approx(6 / 2, rel=1e-5)
    assert other.grad.tolist() == [0, pytest.approx(8 / 2, rel=1e-5)]
    assert unused.grad is None


def test_gradients_within_the_norm_are_left_alone() -> None:
    weight = nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([0.6, 0.8])
    clip_gradients([weight], max_norm=1.5)
    assert torch.equal(weight.grad, torch.tensor([0.6, 0.8]))
