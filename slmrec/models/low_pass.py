"""The mean of the newest states beside attention: what users do lately, smoothed.

After BSARec (Shin et al. 2024, arXiv 2312.10325), which mixes self-attention with a filter that
keeps low frequencies of the whole sequence and learns how much of the high ones to add. Its Fourier
transform reads the future of a position; a moving mean is a low-pass filter that does not, so that
every position of a window can be trained at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad


@dataclass(frozen=True)
class LowPassShape:
    """How much of what a layer adds is the filter's, and of how many states it is the mean."""

    share: float
    span: int


class LowPass(nn.Module):
    """The mean of the newest states, and of what differs from it as much as is learned."""

    def __init__(self, width: int, shape: LowPassShape) -> None:
        super().__init__()
        self.shape = shape
        self.high = nn.Parameter(torch.zeros(width))  # of each channel; 0 is the mean alone

    def forward(self, states: Tensor) -> Tensor:
        """States (B, T, D), each filtered with those before it.  # (B, T, D)"""
        length, total = states.shape[1], states
        for back in range(1, min(self.shape.span, length)):
            total = total + pad(states, (0, 0, back, 0))[:, :length]
        counts = torch.arange(1, length + 1, device=states.device).clamp(max=self.shape.span)
        mean = total / counts[:, None]
        return mean + self.high * (states - mean)

    def mixed(self, attended: Tensor, states: Tensor) -> Tensor:
        """What attention and the filter of its input add to a layer's states.  # as both"""
        share = self.shape.share
        return (1 - share) * attended + share * self(states)
