"""Negatives, and the optimizer that touches only the rows of a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.params.training import GbceLoss, LossParams, SampledSoftmaxLoss
from slmrec.training.loop import train
from slmrec.training.losses.negative_sampler import Negatives
from slmrec.training.losses.next_item import NextItemLoss
from slmrec.training.optimizer import clip, optimizers
from tests.support.histories import TRAINING, histories_of, ring_histories
from tests.support.training import ring_run

ITEMS = 14
HISTORIES = ring_histories(60, ITEMS - 2, 8)
SAMPLED = SampledSoftmaxLoss(
    kind="sampled_softmax", negatives=40, uniform_share=0.5, rows="touched"
)


def test_expected_counts_are_those_of_many_draws():
    histories = histories_of(
        [[2, 2, 2, 3, 4, 9, 9], [2, 5, 3, 9, 9]], max_length=9
    )  # 2 four times, 3 twice, 4 and 5 once
    negatives = Negatives(torch.tensor([1, 2, 3, 4, 5]), 0.5, histories)
    torch.manual_seed(1)
    items, times, log_expected = negatives.draw(100_000)
    counts = torch.zeros(6).index_add_(0, items, times)
    expected = (
        torch.tensor([0, 0.1, 0.1 + 0.5 * 4 / 8, 0.1 + 0.5 * 2 / 8, 0.1 + 0.5 / 8, 0.1 + 0.5 / 8])
        * 100_000
    )
    torch.testing.assert_close(counts, expected, rtol=0.03, atol=0)
    torch.testing.assert_close(log_expected[items == 2][0].exp(), expected[2])


def test_negatives_hang_on_the_seed_of_the_step_and_not_on_what_was_drawn_before():
    negatives = Negatives(torch.arange(1, ITEMS), 0.5, HISTORIES)
    torch.manual_seed(7)
    first = drawn(negatives)
    torch.rand(100)
    assert drawn(negatives) == first
    torch.manual_seed(8)
    assert drawn(negatives) != first


def drawn(negatives: Negatives) -> dict[int, float]:
    """How often each of 20 draws' items came."""
    items, times, _ = negatives.draw(20)
    return dict(zip(items.tolist(), times.tolist(), strict=True))


@pytest.mark.parametrize(
    "loss", [SAMPLED, SAMPLED.model_copy(update={"rows": "all"})], ids=["touched", "all"]
)
def test_a_ring_is_learned_against_drawn_negatives(tmp_path, loss):
    curve = train(
        ring_run(
            tmp_path / "c.safetensors", loss=loss, epochs=12, patience=12, checkpoint_seconds=60
        )
    )
    assert curve[-1]["valid_ndcg@10"] > 0.95


def test_a_ring_is_learned_with_gbce(tmp_path):
    loss = GbceLoss(kind="gbce", negatives=8, calibration=0.0, rows="all")
    curve = train(
        ring_run(
            tmp_path / "c.safetensors", loss=loss, epochs=40, patience=40, checkpoint_seconds=60
        )
    )
    assert curve[-1]["valid_ndcg@10"] > 0.95


def table_after_steps(
    loss: LossParams, touched: list[int], steps: int
) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    table = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 4, None, 0.0)
    before = table.ids.detach().clone()
    NextItemLoss(table, loss, HISTORIES)  # tells the table which rows its gradients hold
    chosen = optimizers(table, TRAINING)
    for _ in range(steps):
        (table(torch.tensor(touched)) ** 2).sum().backward()
        clip(table.parameters(), 1.0)
        for optimizer in chosen:
            optimizer.step()
            optimizer.zero_grad()
    return before, table.ids.detach()


def test_rows_that_every_batch_reads_change_as_adamw_changes_them_and_the_others_rest():
    touched = [3, 5, 5, 7]
    before, rows_only = table_after_steps(SAMPLED, touched, 5)
    _, dense = table_after_steps(SAMPLED.model_copy(update={"rows": "all"}), touched, 5)
    torch.testing.assert_close(rows_only[[3, 5, 7]], dense[[3, 5, 7]], rtol=1e-4, atol=1e-6)
    rest = np.setdiff1d(np.arange(ITEMS), touched)
    assert torch.equal(rows_only[rest], before[rest])
