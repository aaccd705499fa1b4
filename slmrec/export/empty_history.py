"""What is served to whoever has no known item: what many have wanted lately."""

from __future__ import annotations

import onnx
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories
from slmrec.evaluation.baselines import Popularity

POPULARITY = "popularity"  # the weight of a graph, by the last part of its name


def popularity_scores(histories: Histories, items: int, recent_days: int) -> Tensor:
    """The logarithm of 1 and an item's training events of the newest days.  # (I,) float32

    Among items with as many, the one with more events of all days scores higher.
    """
    recent = Popularity(histories, items, recent_days).counts
    ever = Popularity(histories, items, None).counts
    return torch.log1p(recent + ever / (ever.max() + 1))


def has_popularity(graph: onnx.ModelProto) -> bool:
    """Whether a graph answers whoever has no known item by popularity."""
    names = (weight.name for weight in graph.graph.initializer)
    return any(name.rpartition(".")[2] == POPULARITY for name in names)
