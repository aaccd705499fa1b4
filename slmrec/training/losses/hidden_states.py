"""Losses between a student's and a teacher's hidden states, block by block (SLMRec, 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# Of the product of two squared lengths: keeps the cosine of a state of zeros finite.
SMALLEST_LENGTHS = 1e-16


class ScalarProducts(NamedTuple):
    """Scalar products of states at N positions of K blocks: all that the losses need of them."""

    student: Tensor  # (N, K) squared lengths of the student's
    cross: Tensor  # (N, K) the student's by the teacher's
    teacher: Tensor  # (N, K) squared lengths of the teacher's


def scalar_products(student: Sequence[Tensor], teacher: Tensor) -> ScalarProducts:
    """Products of a student's K blocks of states (N, D) and a teacher's (N, K, D), in fp32."""
    dot = torch.linalg.vecdot
    student_lengths, cross, teacher_lengths = [], [], []
    # Without autocast: a distance is a small difference of large products.
    with torch.autocast(teacher.device.type, enabled=False):
        for half, block in zip(student, teacher.unbind(dim=1), strict=True):
            states = half.float()  # (N, D)
            student_lengths.append(dot(states, states))
            cross.append(dot(states, block))
            teacher_lengths.append(dot(block, block))
    products = (student_lengths, cross, teacher_lengths)
    return ScalarProducts(*(torch.stack(blocks, dim=1) for blocks in products))


def cosine_loss(products: ScalarProducts) -> Tensor:
    """One minus the cosine of states, mean over positions and blocks (SLMRec, L_cos)."""
    lengths = (products.student * products.teacher).clamp(min=SMALLEST_LENGTHS).sqrt()
    return 1 - (products.cross / lengths).mean()


def norm_loss(products: ScalarProducts) -> Tensor:
    """Squared distance of states relative to the teacher's squared length, mean over blocks.

    SLMRec's L_norm is the plain squared distance; LLaMA states grow with depth by orders of
    magnitude, and relative to each block's own length one weight serves every block and depth.
    """
    distance = (products.student - 2 * products.cross + products.teacher).mean(dim=0)  # (K,)
    return (distance / products.teacher.mean(dim=0)).mean()
