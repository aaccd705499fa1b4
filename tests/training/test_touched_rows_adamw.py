"""AdamW on the rows that a batch touched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from slmrec.training.optimizer import clip_gradients, make_optimizers
from slmrec.training.touched_rows_adamw import TouchedRowsAdamW
from tests.support.histories import TRAINING
from tests.support.models import ITEMS, item_embedding


def ids_after(steps: list[list[int]], sparse: bool) -> tuple[Tensor, Tensor]:
    """Ids before and after steps that read these items each."""
    torch.manual_seed(3)
    embedding = item_embedding()
    embedding.sparse_gradients = sparse
    before = embedding.ids.detach().clone()
    optimizers = make_optimizers(embedding, TRAINING)
    for items in steps:
        (embedding(torch.tensor(items)) ** 2).sum().backward()
        clip_gradients(embedding.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    return before, embedding.ids.detach()


def test_rows_that_every_batch_reads_change_as_adamw_changes_them_and_the_others_rest() -> None:
    touched = [3, 5, 5, 7]
    before, after = ids_after([touched] * 5, sparse=True)
    _, dense = ids_after([touched] * 5, sparse=False)
    torch.testing.assert_close(after[[3, 5, 7]], dense[[3, 5, 7]], rtol=1e-4, atol=1e-6)
    rest = np.setdiff1d(np.arange(ITEMS), touched)
    assert torch.equal(after[rest], before[rest])
    assert not torch.equal(dense[rest], before[rest])  # AdamW's decay reaches every row


def test_a_row_that_comes_late_starts_as_if_the_run_did() -> None:
    lr, decay = 0.1, 0.5
    weight = torch.nn.Parameter(torch.full((3, 1), 2.0))
    optimizer = TouchedRowsAdamW([weight], lr, decay)
    for rows in ([0], [0], [0, 2]):
        indices, values = torch.tensor([rows]), torch.ones(len(rows), 1)
        gradient = torch.sparse_coo_tensor(indices, values, (3, 1), check_invariants=True)
        weight.grad = gradient.coalesce()
        optimizer.step()
    # With bias correction the first change of a row is lr x sign of the gradient, and the decay.
    assert weight[2].item() == pytest.approx(2 - lr * (1 + decay * 2), rel=1e-5)
    assert weight[1].item() == 2
    moments = optimizer.state_dict()["state"][0]
    assert moments["steps"].tolist() == [3, 0, 1]
