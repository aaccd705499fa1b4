"""Neighbours that are easy to follow: the next two items on a ring."""

from __future__ import annotations

import torch

from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.neighbours.table import NeighbourTable


def ring_table(rows: int) -> NeighbourTable:
    """Of each item the next one with weight 1, and the one after it with weight .5."""
    count = rows - FIRST_ITEM
    items = torch.full((rows, 2), PAD, dtype=torch.int32)
    weights = torch.zeros(rows, 2)
    for item in range(count):
        items[item + FIRST_ITEM] = torch.tensor(
            [(item + step) % count + FIRST_ITEM for step in (1, 2)]
        )
        weights[item + FIRST_ITEM] = torch.tensor([1.0, 0.5])
    return NeighbourTable(items, weights)


def backwards(rows: int) -> NeighbourTable:
    """Of each item the two before it on the ring: nobody goes there next."""
    table = ring_table(rows)
    count = rows - FIRST_ITEM
    items = torch.where(
        table.items == PAD,
        PAD,
        (2 * torch.arange(rows)[:, None] - table.items - FIRST_ITEM) % count + FIRST_ITEM,
    )
    return NeighbourTable(items.int(), table.weights)
