"""Full-softmax losses agree with their plain definitions, in value and in gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from slmrec.training.losses.softmax import (
    SMALLEST_MASS,
    SoftTargets,
    kl_divergence,
    remaining_mass,
    softmax_loss,
    softmax_loss_with_soft_targets,
)


@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_chunked_softmax_equals_cross_entropy_with_its_gradients(chunk: int) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(20, 8, requires_grad=True)
    candidates = torch.randn(30, 8, requires_grad=True)
    targets = torch.randint(30, (20,))
    plain = functional.cross_entropy(vectors @ candidates.T, targets)
    plain_gradients = torch.autograd.grad(3 * plain, (vectors, candidates))
    fused = softmax_loss(vectors, candidates, targets, chunk)
    fused_gradients = torch.autograd.grad(3 * fused, (vectors, candidates))
    torch.testing.assert_close(fused, plain)
    for gradient, expected in zip(fused_gradients, plain_gradients, strict=True):
        torch.testing.assert_close(gradient, expected)


def test_candidates_that_do_not_learn_get_no_gradient() -> None:
    vectors, candidates = torch.randn(5, 8, requires_grad=True), torch.randn(30, 8)
    targets = torch.randint(30, (5,))
    plain = functional.cross_entropy(vectors @ candidates.T, targets)
    fused = softmax_loss(vectors, candidates, targets, 2)
    [gradient] = torch.autograd.grad(fused, vectors)
    torch.testing.assert_close(gradient, torch.autograd.grad(plain, vectors)[0])


def plain_divergence(vectors: Tensor, candidates: Tensor, soft_targets: SoftTargets) -> Tensor:
    """KL over K + 1 bins, spelled out."""
    student = functional.softmax(vectors @ candidates.T, dim=1).gather(1, soft_targets.indices)
    student = torch.cat([student, 1 - student.sum(dim=1, keepdim=True)], dim=1)
    top = soft_targets.log_probs.exp()
    teacher = torch.cat([top, 1 - top.sum(dim=1, keepdim=True)], dim=1)
    return (teacher * (teacher.log() - student.log())).sum(dim=1).mean()


def teacher_top(vectors: Tensor, candidates: Tensor) -> SoftTargets:
    """What a teacher with these vectors recommends."""
    log_probs, indices = functional.log_softmax(vectors @ candidates.T, dim=1).topk(6)
    return SoftTargets(indices, log_probs)


@pytest.mark.parametrize("chunk", [3, 100])
def test_soft_targets_off_one_pass_equal_their_definition_with_its_gradients(chunk: int) -> None:
    torch.manual_seed(0)
    vectors = torch.randn(20, 8, requires_grad=True)
    candidates = torch.randn(30, 8, requires_grad=True)
    targets = torch.randint(30, (20,))
    soft_targets = teacher_top(torch.randn(20, 8), torch.randn(30, 8))
    plain = 3 * functional.cross_entropy(vectors @ candidates.T, targets)
    plain = plain + 2 * plain_divergence(vectors, candidates, soft_targets)
    hard, soft = softmax_loss_with_soft_targets(
        vectors, candidates, targets, soft_targets, (3.0, 2.0), chunk
    )
    fused = 3 * hard + 2 * soft
    torch.testing.assert_close(fused, plain)
    for gradient, expected in zip(
        torch.autograd.grad(fused, (vectors, candidates)),
        torch.autograd.grad(plain, (vectors, candidates)),
        strict=True,
    ):
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)


def test_a_student_with_its_teachers_scores_has_nothing_to_imitate() -> None:
    torch.manual_seed(0)
    vectors, candidates, targets = torch.randn(5, 8), torch.randn(40, 8), torch.randint(40, (5,))
    soft_targets = teacher_top(vectors, candidates)

    def divergence(student: Tensor) -> float:
        arguments = student, candidates, targets, soft_targets, (1.0, 1.0), 9
        return softmax_loss_with_soft_targets(*arguments)[1].item()

    assert divergence(vectors) == pytest.approx(0, abs=1e-5)
    assert divergence(torch.randn(5, 8)) > 0.01


def test_divergence_is_over_the_top_items_and_one_bin_for_the_rest() -> None:
    teacher, student = torch.tensor([[0.5, 0.3]]), torch.tensor([[0.25, 0.25]])
    by_hand = 0.5 * torch.tensor(0.5 / 0.25).log() + 0.3 * torch.tensor(0.3 / 0.25).log()
    by_hand += 0.2 * torch.tensor(0.2 / 0.5).log()  # what is left: 1 - 0.8 and 1 - 0.5
    torch.testing.assert_close(kl_divergence(teacher.log(), student.log()), by_hand)


def test_a_bin_that_nothing_is_left_for_keeps_a_finite_logarithm() -> None:
    everything = torch.tensor([[0.75, 0.25]])
    assert remaining_mass(everything).item() == pytest.approx(SMALLEST_MASS)
    assert kl_divergence(everything.log(), everything.log()).item() == pytest.approx(0, abs=1e-6)
