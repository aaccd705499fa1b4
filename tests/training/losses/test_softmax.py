"""Losses agree with their plain definitions, in value and in gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from slmrec.training.losses.hidden_states import cosine_loss, norm_loss, products
from slmrec.training.losses.softmax import SoftTargets, softmax_loss, softmax_loss_with_soft_targets


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunked_softmax_equals_cross_entropy_with_its_gradients(chunk):
    torch.manual_seed(0)
    vectors, table = torch.randn(20, 8, requires_grad=True), torch.randn(30, 8, requires_grad=True)
    targets = torch.randint(30, (20,))
    plain = functional.cross_entropy(vectors @ table.T, targets)
    plain_gradients = torch.autograd.grad(3 * plain, (vectors, table))
    fused = softmax_loss(vectors, table, targets, chunk)
    fused_gradients = torch.autograd.grad(3 * fused, (vectors, table))
    torch.testing.assert_close(fused, plain)
    for ours, theirs in zip(fused_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_losses_of_states_are_the_papers():
    student, teacher = [torch.randn(6, 4) for _ in range(2)], torch.randn(6, 2, 4)
    states, stacked = products(student, teacher), torch.stack(student, dim=1)
    torch.testing.assert_close(
        cosine_loss(states), 1 - functional.cosine_similarity(stacked, teacher, dim=2).mean()
    )
    distance, length = (
        ((stacked - teacher) ** 2).sum(dim=2).mean(dim=0),
        (teacher**2).sum(dim=2).mean(dim=0),
    )
    torch.testing.assert_close(norm_loss(states), (distance / length).mean())


def test_cosine_loss_ignores_length_and_norm_loss_does_not():
    teacher = torch.randn(6, 2, 4)
    longer, same = (
        products((3 * teacher).unbind(dim=1), teacher),
        products(teacher.unbind(dim=1), teacher),
    )
    assert cosine_loss(longer).item() == pytest.approx(0, abs=1e-6)
    assert norm_loss(longer).item() == pytest.approx((3 - 1) ** 2, rel=1e-5)
    assert norm_loss(same).item() == 0


def test_losses_of_states_are_exact_in_training_with_half_the_bits():
    student, teacher = torch.randn(50, 64).bfloat16(), torch.randn(50, 1, 64)
    teacher[:, 0] = student.float() + 0.01 * teacher[:, 0]
    plain = norm_loss(products([student.float()], teacher))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(norm_loss(products([student], teacher)), plain, rtol=0, atol=0)


def test_a_state_of_zeros_has_a_finite_loss_and_gradient():
    student = torch.zeros(6, 4, requires_grad=True)
    loss = cosine_loss(products([student], torch.randn(6, 1, 4)))
    loss.backward()
    assert loss.item() == 1 and student.grad is not None and student.grad.isfinite().all()


def test_norm_loss_weighs_every_block_alike_however_large_its_states_are():
    student, teacher, scale = (
        torch.randn(50, 2, 4),
        torch.randn(50, 2, 4),
        torch.tensor([1.0, 1000.0])[:, None],
    )
    scaled = products((student * scale).unbind(dim=1), teacher * scale)
    torch.testing.assert_close(
        norm_loss(scaled), norm_loss(products(student.unbind(dim=1), teacher))
    )


def plain_imitation(
    vectors: torch.Tensor, table: torch.Tensor, rows: torch.Tensor, log_probs: torch.Tensor
) -> torch.Tensor:
    """KL over K + 1 bins, spelled out."""
    own = functional.softmax(vectors @ table.T, dim=1).gather(1, rows)
    own = torch.cat([own, 1 - own.sum(dim=1, keepdim=True)], dim=1)
    teacher = torch.cat([log_probs.exp(), 1 - log_probs.exp().sum(dim=1, keepdim=True)], dim=1)
    return (teacher * (teacher.log() - own.log())).sum(dim=1).mean()


def teacher_top(vectors: torch.Tensor, table: torch.Tensor) -> torch.return_types.topk:
    return torch.topk(functional.log_softmax(vectors @ table.T, dim=1), 6)


@pytest.mark.parametrize("chunk", [3, 100])
def test_imitation_off_one_pass_equals_its_definition_with_its_gradients(chunk):
    torch.manual_seed(0)
    vectors, table = torch.randn(20, 8, requires_grad=True), torch.randn(30, 8, requires_grad=True)
    targets, top = torch.randint(30, (20,)), teacher_top(torch.randn(20, 8), torch.randn(30, 8))
    plain = 3 * functional.cross_entropy(vectors @ table.T, targets)
    plain = plain + 2 * plain_imitation(vectors, table, top.indices, top.values)
    ranking, imitation = softmax_loss_with_soft_targets(
        vectors, table, targets, SoftTargets(*top[::-1]), (3.0, 2.0), chunk
    )
    fused = 3 * ranking + 2 * imitation
    torch.testing.assert_close(fused, plain)
    for ours, theirs in zip(
        torch.autograd.grad(fused, (vectors, table)),
        torch.autograd.grad(plain, (vectors, table)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_student_with_its_teachers_scores_has_nothing_to_imitate():
    vectors, table, targets = torch.randn(5, 8), torch.randn(40, 8), torch.randint(40, (5,))
    top = teacher_top(vectors, table)
    soft_targets = SoftTargets(*top[::-1])
    assert softmax_loss_with_soft_targets(vectors, table, targets, soft_targets, (1.0, 1.0), 9)[
        1
    ].item() == pytest.approx(0, abs=1e-5)
    assert (
        softmax_loss_with_soft_targets(
            torch.randn(5, 8), table, targets, soft_targets, (1.0, 1.0), 9
        )[1].item()
        > 0.01
    )
