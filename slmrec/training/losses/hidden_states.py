"""Losses between a student's and a teacher's block states (SLMRec, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

SMALLEST_LENGTHS = (
    1e-16  # product of two squared lengths: keeps the cosine of a state of zeros finite
)


class Products(NamedTuple):
    """Scalar products of block states at N positions of K blocks, which is all that the losses of states need."""

    own: Tensor  # (N, K) squared lengths of the student's
    both: Tensor  # (N, K) the student's by the teacher's
    teacher: Tensor  # (N, K) squared lengths of the teacher's


def products(student: Sequence[Tensor], teacher: Tensor) -> Products:
    """The products of a student's K blocks of states (N, D) and a teacher's (N, K, D), in full precision."""
    pairs = [
        (own.float(), block) for own, block in zip(student, teacher.unbind(dim=1), strict=True)
    ]
    dot = torch.linalg.vecdot
    with torch.autocast(
        teacher.device.type, enabled=False
    ):  # a distance is a small difference of large products
        found = [(dot(own, own), dot(own, block), dot(block, block)) for own, block in pairs]
    return Products(*(torch.stack(each, dim=1) for each in zip(*found, strict=True)))


def cosine_loss(states: Products) -> Tensor:
    """One minus the cosine of block states, mean over positions and blocks (SLMRec, L_cos)."""
    lengths = (states.own * states.teacher).clamp(min=SMALLEST_LENGTHS).sqrt()
    return 1 - (states.both / lengths).mean()


def norm_loss(states: Products) -> Tensor:
    """Squared distance of block states relative to the teacher's squared length, block by block.

    SLMRec's L_norm is the plain squared distance; LLaMA states grow with depth by orders of
    magnitude, and relative to each block's own length one weight serves every block and depth.
    """
    distance = (states.own - 2 * states.both + states.teacher).mean(dim=0)  # (K,)
    return (distance / states.teacher.mean(dim=0)).mean()
