"""The parts of a bundle beside model.onnx, and what its contract says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
import safetensors.numpy
import torch

from slmrec.export.derived_graphs import fixed_list_graph, user_tower_graph
from slmrec.export.graph import Additions
from slmrec.export.step_graph import step_graph
from slmrec.models.factory import SequenceModel
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.bundle import sha256_of_bytes
from slmrec.runtime.further_graphs import (
    GRAPH_OF,
    ITEM_VECTORS,
    SERVE_FIXED,
    STEP,
    USER_TOWER,
)
from slmrec.runtime.item_vectors import ItemVectors, read_item_vectors


@dataclass(frozen=True)
class FurtherParts:
    """Further graphs by their names, without metadata, and the bytes of the items' vectors."""

    graphs: dict[str, onnx.ModelProto] = field(default_factory=dict)
    item_vectors: bytes | None = None
    # Of graphs in fewer bits: precision, and how far golden scores may lie from those in fp32.
    precisions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def with_precisions(
        self, graphs: Mapping[Any, onnx.ModelProto], tolerances: Mapping[Any, float]
    ) -> FurtherParts:
        """These parts, and the graphs of each precision."""
        return replace(
            self,
            graphs=self.graphs | {GRAPH_OF[name]: graph for name, graph in graphs.items()},
            precisions={
                GRAPH_OF[name]: {"precision": name, "tolerance": tolerances[name]}
                for name in graphs
            },
        )

    def state_shape(self) -> tuple[int, ...]:
        """Of a user's state in the step graph: (W, L, 2, H, d)."""
        (state,) = [value for value in self.graphs[STEP].graph.input if value.name == "state"]
        return tuple(size.dim_value for size in state.type.tensor_type.shape.dim)[1:]

    def vector_facts(self) -> dict[str, Any]:
        """What the contract says of the items' vectors."""
        assert self.item_vectors is not None
        rows, width = read_item_vectors(self.item_vectors).vectors.shape
        return {
            "file": ITEM_VECTORS,
            "rows": rows,
            "width": width,
            "sha256": sha256_of_bytes(self.item_vectors),
        }


def further_parts(
    graph: onnx.ModelProto,
    model: SequenceModel,
    additions: Additions,
    candidates: np.ndarray,
    p: ExportParams,
) -> FurtherParts:
    """The parts that `p.graphs` asks for, of the `model` that was exported as `graph`."""
    graphs: dict[str, onnx.ModelProto] = {}
    vectors = None
    if SERVE_FIXED in p.graphs:
        graphs[SERVE_FIXED] = fixed_list_graph(graph, min(p.fixed_k, int(candidates.sum())))
    if USER_TOWER in p.graphs:
        table = item_vectors(model, candidates)
        width = table.vectors.shape[1]
        graphs[USER_TOWER] = user_tower_graph(graph, width, width > model.item_embedding.width)
        arrays = {"items": table.items, "vectors": table.vectors}
        vectors = safetensors.numpy.save(arrays)
    if STEP in p.graphs:
        graphs[STEP] = step_graph(model, torch.from_numpy(candidates), p.opset, additions)
    return FurtherParts(graphs, vectors)


def item_vectors(model: SequenceModel, candidates: np.ndarray) -> ItemVectors:
    """The vectors of the candidates (I,) bool, whose product with a user's is the model's score.

    Where new items have a bonus, it is the last number of each vector, and the user's ends in 1.
    """
    items = np.flatnonzero(candidates)
    with torch.inference_mode():
        vectors = model.item_embedding.folded().numpy()[items]  # (C, E)
        bonuses = model.item_embedding.bonuses().numpy()[items].astype(np.float32)  # (C,)
    if bonuses.any():
        vectors = np.concatenate([vectors, bonuses[:, None]], axis=1)  # (C, E + 1)
    return ItemVectors(items, np.ascontiguousarray(vectors))
