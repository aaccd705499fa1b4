"""The ONNX graph: `history`, `exclude`, `k` -> `items`, `scores`, from any sequence model.

Everything a consumer could get wrong is done inside the graph: histories are cut to their newest
items, ids outside the catalogue are read as unknown, and PAD, UNK, retired and excluded items are
masked before the TopK.
"""

from __future__ import annotations

import copy
import logging
import warnings
from dataclasses import dataclass
from typing import Any, cast

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.core.errors import TrainingError, UsageError
from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.canonical_graph import canonicalize
from slmrec.export.last_position import last_vectors
from slmrec.models.factory import SequenceModel
from slmrec.neighbours.blend import NeighbourScores

INPUTS = ("history", "exclude", "k")
OUTPUTS = ("items", "scores")
# Bytes: a protobuf message holds no more, and weights stay inside the file.
LARGEST_GRAPH = 2**31 - 1


@dataclass(frozen=True)
class Additions:
    """What is served beside a model's own scores; MODEL_ALONE has neither.

    popularity (I,) scores the items for whoever has no known item in the newest max_length: a model
    has learnt what follows an item, not what somebody wants of whom nothing is known.
    """

    neighbours: NeighbourScores | None = None
    popularity: Tensor | None = None


MODEL_ALONE = Additions()
MASKED = ("added", "popularity")  # the weights that hold -inf


class FoldedTable(nn.Module):
    """An item embedding folded into its (I, E) weight: one Gather in the graph."""

    rows: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.register_buffer("rows", rows)

    @property
    def width(self) -> int:
        """Width E of an item's vector."""
        return self.rows.shape[1]

    def forward(self, items: Tensor) -> Tensor:
        """Vectors of `items`.  # (..., E)"""
        return functional.embedding(items, self.rows)

    def folded(self) -> Tensor:
        """The whole table.  # (I, E)"""
        return self.rows


class ServingGraph(nn.Module):
    """What is exported: history (B, T), exclude (B, X), k () -> items and scores (B, K).

    These are the k best candidates. T is at least 1. `k` above the number of candidates C is cut to
    C. Where exclusions leave a row fewer than k candidates, its tail is PAD with score -inf: an
    excluded item never comes out, and a reader stops at the first PAD.
    """

    columns: Tensor  # (E, I)
    added: Tensor  # (I,) an item's bonus; -inf for PAD, UNK and what must not be recommended
    popularity: Tensor | None  # (I,) as Additions has it; -inf as in `added`

    def __init__(self, model: SequenceModel, candidates: Tensor, additions: Additions) -> None:
        super().__init__()
        self.neighbours = additions.neighbours
        rows = model.item_embedding.folded().detach().clone()
        # A copy, so that the caller's model keeps its own table, dropout and mode.
        served_model = copy.deepcopy(model).eval()
        served_model.set_submodule("item_embedding", FoldedTable(rows))
        self.vectors = last_vectors(served_model)
        self.max_length = model.max_length
        self.rows = len(rows)
        self.candidates = int(candidates.sum())
        # Transposed once here: a head tied to the input table exports as MatMul on a Transpose,
        # which is never quantised.
        self.register_buffer("columns", rows.T.contiguous())
        bonuses = model.item_embedding.bonuses().detach()
        self.register_buffer("added", torch.where(candidates, bonuses, -torch.inf))
        popularity = additions.popularity
        if popularity is not None:
            popularity = torch.where(candidates, popularity, -torch.inf)
        self.register_buffer("popularity", popularity)

    def forward(self, history: Tensor, exclude: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Items (B, K) int64, best first, and their scores (B, K) float32; see the class for K."""
        newest, last = self._newest(history)
        return self.best(self.vectors(newest, last), newest, last, exclude, k)

    def best(
        self, vectors: Tensor, items: Tensor, last: Tensor, exclude: Tensor, k: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The list of users (B, E) whose right-padded items (B, W) end at `last` (B,)."""
        scores = vectors @ self.columns + self.added  # (B, I)
        if self.neighbours is not None:
            scores = self.neighbours(scores, items, last)
        if self.popularity is not None:
            knows = (items >= FIRST_ITEM).any(1, keepdim=True)  # (B, 1)
            scores = torch.where(knows, scores, self.popularity)
        # One row of exclusions holds for the whole batch, and any other number of rows fails: a
        # scatter alone would mask the first rows and leave the others as they are.
        excluded = self.known(exclude, PAD) + torch.zeros_like(last)[:, None]  # (B, X)
        # An exclusion outside the item table became PAD, which is masked anyway.
        scores = scores.scatter(1, excluded, -torch.inf)
        best, listed = scores.topk(self._list_length(k), dim=1)
        return torch.where(best > -torch.inf, listed, PAD), best

    def known(self, items: Tensor, fallback: int) -> Tensor:
        """Items, and `fallback` in the place of what is none.  # as items"""
        # An id outside the table would fail the whole batch, and -1 would read the last item's row.
        return torch.where((items >= 0) & (items < self.rows), items, fallback)

    def _newest(self, history: Tensor) -> tuple[Tensor, Tensor]:
        """The newest max_length items of each row and the last positions.  # (B, W), (B,)

        Rows are right-padded; W is the lesser of T and max_length. A PAD before a row's last item,
        and an empty row's first, is read as UNK.
        """
        items = self.known(history, UNK)
        positions = torch.arange(items.shape[1])  # (T,)
        length = torch.where(items != PAD, positions + 1, 0).amax(1).clamp(min=1)  # (B,)
        start = (length - self.max_length).clamp(min=0)  # (B,)
        window = torch.arange(torch.sym_min(items.shape[1], self.max_length))[None]  # (1, W)
        newest = items.gather(1, (start[:, None] + window).clamp(max=items.shape[1] - 1))  # (B, W)
        last = length - start - 1
        return torch.where((window <= last[:, None]) & (newest == PAD), UNK, newest), last

    def _list_length(self, k: Tensor) -> int:
        length = torch.sym_min(cast(int, k.item()), self.candidates)
        torch._check(length >= 0)
        torch._check(length <= self.rows)
        return cast(int, length)


def export_graph(
    model: SequenceModel,
    candidates: Tensor,
    opset: int,
    additions: Additions = MODEL_ALONE,
) -> onnx.ModelProto:
    """Export `model` with `candidates` (I,) bool, and with what is served beside it.

    The graph's bytes depend on the weights and the versions of torch and onnx alone. Raises
    TrainingError when a weight is not finite and UsageError when the graph would not fit into one
    file.
    """
    graph = ServingGraph(model, candidates, additions)
    check_weights(graph)
    return canonicalize(_exported_whole(graph, opset))


def _exported_whole(graph: ServingGraph, opset: int) -> onnx.ModelProto:
    batch, time, excluded = (torch.export.Dim(name) for name in ("batch", "time", "excluded"))
    # The example is longer than 1 in every direction: torch.export takes 0 and 1 for constants.
    example = (torch.full((2, 3), UNK), torch.full((2, 2), PAD), torch.tensor(2))
    shapes = ({0: batch, 1: time}, {0: batch, 1: excluded}, None)
    return exported(graph, example, INPUTS, OUTPUTS, shapes, opset)


def exported(
    graph: nn.Module,
    example: tuple[Tensor, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    dynamic_shapes: tuple[Any, ...],
    opset: int,
) -> onnx.ModelProto:
    """A module as torch exports it, its inputs and outputs under these names."""
    with _quiet_exporter():
        program = torch.onnx.export(
            graph,
            example,
            dynamo=True,
            verbose=False,
            input_names=inputs,
            output_names=outputs,
            opset_version=opset,
            dynamic_shapes=dynamic_shapes,
            external_data=False,
        )
    return cast(Any, program).model_proto


def check_weights(graph: nn.Module) -> None:
    """Raise TrainingError for one that is not finite, UsageError where they are too many."""
    size = 0
    for name, weight in [*graph.named_parameters(), *graph.named_buffers()]:
        size += weight.nbytes
        if name.split(".")[-1] not in MASKED and not torch.isfinite(weight).all():
            raise TrainingError(
                f"weight {name} holds NaN or infinity; nothing was exported; "
                "train again with a lower learning rate"
            )
    if size > LARGEST_GRAPH:
        raise UsageError(
            f"the graph's weights take {size:,} bytes, one file holds {LARGEST_GRAPH:,}; "
            "choose a narrower item table"
        )


def _quiet_exporter() -> warnings.catch_warnings:
    # The exporter reports the absence of torchvision and its own deprecations on every run: nothing
    # a reader can act on.
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    return warnings.catch_warnings(action="ignore", category=Warning)
