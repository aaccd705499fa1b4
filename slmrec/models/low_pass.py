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
        length, span = states.shape[1], self.shape.span
        # Padded once, and sliced: a graph of any length has no loop over it.
        earlier = pad(states, (0, 0, span - 1, 0))  # (B, span - 1 + T, D)
        total = states
        for back in range(1, span):
            start = span - 1 - back
            total = total + earlier[:, start : start + length]
        counts = torch.arange(1, length + 1, device=states.device).clamp(max=span)
        return self.sharpened(total / counts[:, None], states)

    def sharpened(self, mean: Tensor, states: Tensor) -> Tensor:
        """The mean, and as much of what the states differ from it by as is learned.  # as both"""
        return mean + self.high * (states - mean)

    def at(self, states: Tensor, places: Tensor) -> Tensor:
        """States (B, W, D), filtered as `forward` does, at some places (B, T).  # (B, T, D)"""
        own = states_at(states, places)
        total = own
        for back in range(1, self.shape.span):
            earlier = places - back
            before = states_at(states, earlier.clamp(min=0))
            total = total + torch.where((earlier >= 0)[..., None], before, 0.0)
        counts = (places + 1).clamp(max=self.shape.span)
        return self.sharpened(total / counts[..., None], own)

    def mixed(self, attended: Tensor, filtered: Tensor) -> Tensor:
        """What attention and the filter of its input add to a layer's states.  # as both"""
        share = self.shape.share
        return (1 - share) * attended + share * filtered


def states_at(states: Tensor, places: Tensor) -> Tensor:
    """States (B, W, D) at places (B, T) of their rows.  # (B, T, D)"""
    return states.gather(1, places[..., None].expand(-1, -1, states.shape[2]))
