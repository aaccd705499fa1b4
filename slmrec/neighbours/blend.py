"""Scores of a model with what a trend, and neighbours of a history's newest items, add to them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from slmrec.core.vocabulary import PAD
from slmrec.dataset.histories import Histories
from slmrec.neighbours.table import Neighbours, NeighbourTable
from slmrec.neighbours.trend import DatedEvents, Trend


@dataclass(frozen=True)
class Term:
    """What one table adds: `weight * log(1 + sum / epsilon)` of an item's neighbour sum.

    Up to a constant this is `weight * log(sum + epsilon)`, but nothing is added to an item that is
    nobody's neighbour, so that only neighbours need to be touched.
    """

    weight: float
    epsilon: float


@dataclass(frozen=True)
class Blend:
    """What joins a model's scores: terms of neighbours, and a trend where the split is by time.

    The item n steps before the newest counts `decay ** n` in the sums.
    """

    decay: float
    terms: dict[str, Term]  # by the name of the table
    trend: Trend | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of_json(value: dict[str, Any]) -> Blend:
        """Read what `as_json` gave."""
        terms = {source: Term(**term) for source, term in value["terms"].items()}
        trend = None if value["trend"] is None else Trend(**value["trend"])
        return Blend(value["decay"], terms, trend)


class SparseRows(nn.Module):
    """A neighbour table as two gathers: the neighbours of each item, and their weights."""

    items: Tensor
    weights: Tensor

    def __init__(self, table: NeighbourTable) -> None:
        super().__init__()
        # 32 bits: of a million items with 50 neighbours, 200 MB instead of 400.
        self.register_buffer("items", table.items)
        self.register_buffer("weights", table.weights)

    def forward(self, recent: Tensor, decays: Tensor) -> tuple[Tensor, Tensor]:
        """Neighbours of recent items (B, R), and weights that decay (R,).  # (B, R * N) each"""
        weights = self.weights[recent] * decays[:, None]  # (B, R, N)
        return self.items[recent].long().flatten(1), weights.flatten(1)


class NeighbourScores(nn.Module):
    """Adds a blend to scores: its trend to all, its terms to neighbours of the newest items.

    `trend` (I,) is what the blend's trend adds, None where it has none.
    """

    decays: Tensor  # (R,)
    trend: Tensor | None  # (I,)

    def __init__(self, neighbours: Neighbours, blend: Blend, trend: Tensor | None) -> None:
        super().__init__()
        self.blend = blend
        self.rows = nn.ModuleDict(
            {source: SparseRows(neighbours.tables[source]) for source in blend.terms}
        )
        self.register_buffer("decays", blend.decay ** torch.arange(float(neighbours.newest)))
        self.register_buffer("trend", trend)

    @staticmethod
    def of(
        neighbours: Neighbours, blend: Blend, histories: Histories, items: int
    ) -> NeighbourScores:
        """With the trend of the training events of `histories`, of so many items."""
        if blend.trend is None:
            return NeighbourScores(neighbours, blend, None)
        added = blend.trend.added(DatedEvents.of(histories, items))
        return NeighbourScores(neighbours, blend, added)

    def rows_of(self, source: str) -> SparseRows:
        """The rows of one table."""
        return cast(SparseRows, self.rows[source])

    def forward(self, scores: Tensor, items: Tensor, last: Tensor) -> Tensor:
        """Scores (B, I) for right-padded items (B, W), of which `last` (B,) are the newest."""
        recent = newest_first(items, last, len(self.decays))
        if self.trend is not None:
            scores = scores + self.trend
        for source, term in self.blend.terms.items():
            neighbours, weights = self.rows_of(source)(recent, self.decays)  # (B, R * N)
            sums = (
                torch.zeros_like(scores).scatter_add(1, neighbours, weights).gather(1, neighbours)
            )
            joined = scores.gather(1, neighbours) + term.weight * torch.log1p(sums / term.epsilon)
            # An item that is a neighbour twice is written twice, with the same value.
            scores = scores.scatter(1, neighbours, joined)
        return scores


def newest_first(items: Tensor, last: Tensor, count: int) -> Tensor:
    """The `count` newest items of right-padded rows (B, W), PAD where there are fewer.  # (B, R)"""
    places = last[:, None] - torch.arange(count)  # (B, R)
    newest = items.gather(1, places.clamp(min=0))
    return torch.where(places >= 0, newest, PAD)
