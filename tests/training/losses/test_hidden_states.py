"""Losses between hidden states are the paper's, exact, and finite."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slmrec.training.losses.hidden_states import cosine_loss, norm_loss, scalar_products


def test_losses_of_states_are_the_papers() -> None:
    student, teacher = [torch.randn(6, 4) for _ in range(2)], torch.randn(6, 2, 4)
    products, stacked = scalar_products(student, teacher), torch.stack(student, dim=1)
    cosine = functional.cosine_similarity(stacked, teacher, dim=2)
    torch.testing.assert_close(cosine_loss(products), 1 - cosine.mean())
    distance = ((stacked - teacher) ** 2).sum(dim=2).mean(dim=0)
    length = (teacher**2).sum(dim=2).mean(dim=0)
    torch.testing.assert_close(norm_loss(products), (distance / length).mean())


def test_products_of_two_states_by_hand() -> None:
    products = scalar_products([torch.tensor([[3.0, 4.0]])], torch.tensor([[[1.0, 2.0]]]))
    assert products.student.item() == 3 * 3 + 4 * 4
    assert products.cross.item() == 3 * 1 + 4 * 2
    assert products.teacher.item() == 1 * 1 + 2 * 2


def test_cosine_loss_ignores_length_and_norm_loss_does_not() -> None:
    teacher = torch.randn(6, 2, 4)
    longer = scalar_products((3 * teacher).unbind(dim=1), teacher)
    same = scalar_products(teacher.unbind(dim=1), teacher)
    assert cosine_loss(longer).item() == pytest.approx(0, abs=1e-6)
    assert norm_loss(longer).item() == pytest.approx((3 - 1) ** 2, rel=1e-5)
    assert norm_loss(same).item() == 0


def test_losses_of_states_are_exact_in_training_with_half_the_bits() -> None:
    student, teacher = torch.randn(50, 64).bfloat16(), torch.randn(50, 1, 64)
    teacher[:, 0] = student.float() + 0.01 * teacher[:, 0]
    plain = norm_loss(scalar_products([student.float()], teacher))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = norm_loss(scalar_products([student], teacher))
    torch.testing.assert_close(half, plain, rtol=0, atol=0)


def test_a_state_of_zeros_has_a_finite_loss_and_gradient() -> None:
    student = torch.zeros(6, 4, requires_grad=True)
    loss = cosine_loss(scalar_products([student], torch.randn(6, 1, 4)))
    loss.backward()
    assert loss.item() == 1 and student.grad is not None and student.grad.isfinite().all()


def test_norm_loss_weighs_every_block_alike_however_large_its_states_are() -> None:
    student, teacher = torch.randn(50, 2, 4), torch.randn(50, 2, 4)
    scale = torch.tensor([1.0, 1000.0])[:, None]
    scaled = scalar_products((student * scale).unbind(dim=1), teacher * scale)
    plain = scalar_products(student.unbind(dim=1), teacher)
    torch.testing.assert_close(norm_loss(scaled), norm_loss(plain))
