"""The loss that a run minimises."""

from __future__ import annotations

import pytest
import torch

from slmrec.training.run import weighted_sum


def test_the_loss_is_the_sum_of_its_parts_each_times_its_weight() -> None:
    losses = {"ranking": torch.tensor(2.0), "cosine": torch.tensor(5.0)}
    weights = {"cosine": 0.1, "ranking": 3.0, "norm": 7.0}  # a part of weight 0 is not computed
    assert weighted_sum(losses, weights).item() == pytest.approx(3 * 2 + 0.1 * 5)
