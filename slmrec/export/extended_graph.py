"""A bundle's graphs with more items: the same nodes, and constants with more rows.

What is computed for the items that were there does not change: their rows stay, and what new items
add to a table stands behind what it held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import PAD
from slmrec.export.derived_graphs import cut, made_of

ADVICE = "add items to a bundle that this slmrec exported"


@dataclass(frozen=True)
class NeighbourRows:
    """A whole table of neighbours, of I old items and n new ones."""

    items: np.ndarray  # (I + n, N) int32, PAD where there is none
    weights: np.ndarray  # (I + n, N) float32
    count: int  # of neighbours that an item had when the bundle was exported


@dataclass(frozen=True)
class Extension:
    """What n new items bring to the constants of graphs with I rows and C candidates."""

    old_rows: int  # I
    old_candidates: int  # C
    rows: np.ndarray  # (n, E) float32: what is read of them in a history
    columns: np.ndarray  # (n, E) float32: their product with a user's vector is their score
    added: np.ndarray  # (n,) float32: added to their scores
    neighbours: tuple[NeighbourRows | None, ...]  # by term; None: no new neighbours in this table

    @property
    def count(self) -> int:
        """n"""
        return len(self.rows)


def extended_graph(graph: onnx.ModelProto, extension: Extension) -> onnx.ModelProto:
    """Any graph of a bundle with the new items in it.

    Raises BundleError where the graph is not as this slmrec exports.
    """
    extended = onnx.ModelProto()
    extended.CopyFrom(graph)
    _extend_weights(extended.graph, extension)
    _raise_bounds(extended.graph, extension)
    terms = list(_terms(extended.graph))
    if terms and len(terms) != len(extension.neighbours):
        raise BundleError(
            f"a graph has {len(terms)} tables of neighbours, its contract names "
            f"{len(extension.neighbours)}; {ADVICE}"
        )
    for number, (term, rows) in enumerate(zip(terms, extension.neighbours, strict=False)):
        _extend_term(extended.graph, term, rows, extension, number)
    extended = cut(extended, list(extended.graph.input), list(extended.graph.output))
    onnx.checker.check_model(extended)
    return extended


def item_rows(graph: onnx.ModelProto) -> np.ndarray:
    """What is read of each item in a history.  # (I, E)"""
    return _only(graph, "rows")


def item_columns(graph: onnx.ModelProto) -> np.ndarray:
    """What a user's vector is multiplied with.  # (E, I)"""
    return _only(graph, "columns")


def neighbour_rows(graph: onnx.ModelProto) -> list[NeighbourRows]:
    """The tables of neighbours of `model.onnx`, in the order of their terms."""
    arrays = {weight.name: weight for weight in graph.graph.initializer}
    return [
        NeighbourRows(
            onnx.numpy_helper.to_array(arrays[term.items.input[0]]).astype(np.int32),
            onnx.numpy_helper.to_array(arrays[term.weights.input[0]]),
            int(arrays[term.items.input[0]].dims[1]),
        )
        for term in _terms(graph.graph)
    ]


def _only(graph: onnx.ModelProto, role: str) -> np.ndarray:
    found = [weight for weight in graph.graph.initializer if _role(weight.name) == role]
    if len(found) != 1:
        raise BundleError(f"a graph has {len(found)} weights {role}, expected one; {ADVICE}")
    return onnx.numpy_helper.to_array(found[0])


def _role(name: str) -> str:
    return name.rpartition(".")[2]


def _extend_weights(body: onnx.GraphProto, extension: Extension) -> None:
    """Append the new items to the item table, to the head and to what is added to scores."""
    behind = {
        "rows": (extension.rows, 0),
        "columns": (extension.columns.T, 1),
        "added": (extension.added, 0),
        # An item without an event gains and loses nothing by a trend.
        "trend": (np.zeros_like(extension.added), 0),
        # Nor is it popular.
        "popularity": (np.zeros_like(extension.added), 0),
    }
    for weight in body.initializer:
        if _role(weight.name) not in behind:
            continue
        more, axis = behind[_role(weight.name)]
        array = onnx.numpy_helper.to_array(weight)
        longer = np.concatenate([array, more.astype(array.dtype)], axis=axis)
        weight.CopyFrom(onnx.numpy_helper.from_array(longer, weight.name))


def _raise_bounds(body: onnx.GraphProto, extension: Extension) -> None:
    """Let the new indices be items, and lists be as long as there are candidates now."""
    old = {"Less": extension.old_rows, "Min": extension.old_candidates}
    scalars = {
        weight.name: int(onnx.numpy_helper.to_array(weight))
        for weight in body.initializer
        if weight.data_type == onnx.TensorProto.INT64 and not weight.dims
    }
    tops = [node.input[1] for node in body.node if node.op_type == "TopK"]
    lengths = made_of(body, tops)
    for node in body.node:
        if node.op_type not in old or (node.op_type == "Min" and node.output[0] not in lengths):
            continue
        for place, name in enumerate(node.input):
            if scalars.get(name) == old[node.op_type]:
                bound = f"{node.op_type.lower()}.{extension.old_rows + extension.count}"
                node.input[place] = bound
                value = np.array(scalars[name] + extension.count, np.int64)
                if all(weight.name != bound for weight in body.initializer):
                    body.initializer.append(onnx.numpy_helper.from_array(value, bound))


@dataclass(frozen=True)
class _Term:
    """The nodes that read one table of neighbours, and what they are used by."""

    items: onnx.NodeProto  # GatherND of the neighbours
    cast: onnx.NodeProto
    flat_items: onnx.NodeProto  # Reshape to (B, R * N)
    weights: onnx.NodeProto  # GatherND of their weights
    decayed: onnx.NodeProto
    flat_weights: onnx.NodeProto
    used_by: list[onnx.NodeProto]  # from the sum of weights to the joined scores


def _terms(body: onnx.GraphProto) -> Iterator[_Term]:
    """The terms of neighbours, in their order."""
    made_by = {output: node for node in body.node for output in node.output}
    nodes = list(body.node)
    for place, node in enumerate(nodes):
        reduction = [entry.s for entry in node.attribute if entry.name == "reduction"]
        if node.op_type != "ScatterElements" or reduction != [b"add"]:
            continue
        flat_items, flat_weights = (made_by[name] for name in node.input[1:])
        cast, decayed = made_by[flat_items.input[0]], made_by[flat_weights.input[0]]
        items, weights = made_by[cast.input[0]], made_by[decayed.input[0]]
        joined = next(
            later
            for later in range(place + 1, len(nodes))
            if nodes[later].op_type == "ScatterElements"
        )
        used_by = nodes[place : joined + 1]
        yield _Term(items, cast, flat_items, weights, decayed, flat_weights, used_by)


def _extend_term(
    body: onnx.GraphProto,
    term: _Term,
    rows: NeighbourRows | None,
    extension: Extension,
    number: int,
) -> None:
    """Let a term read a table with the new items, by nodes of its own: terms may share some."""
    suffix = f"neighbours_{number}.{extension.old_rows + extension.count}"
    constants = _constants_of(body, term, rows, extension, suffix)
    body.initializer.extend(
        onnx.numpy_helper.from_array(value, name) for name, value in constants.items()
    )
    items_name, weights_name, shape = constants
    first = list(body.node).index(term.used_by[0])
    made = [
        *_copies((term.items, term.cast, term.flat_items), items_name, shape, suffix),
        *_copies((term.weights, term.decayed, term.flat_weights), weights_name, shape, suffix),
    ]
    renamed = {
        term.flat_items.output[0]: made[2].output[0],
        term.flat_weights.output[0]: made[5].output[0],
    }
    for node in term.used_by:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    for copy in reversed(made):
        body.node.insert(first, copy)


def _constants_of(
    body: onnx.GraphProto,
    term: _Term,
    rows: NeighbourRows | None,
    extension: Extension,
    suffix: str,
) -> dict[str, np.ndarray]:
    """Neighbours, their weights, and the shape of what is read of them; by their new names."""
    arrays = {weight.name: onnx.numpy_helper.to_array(weight) for weight in body.initializer}
    items, weights = arrays[term.items.input[0]], arrays[term.weights.input[0]]
    looked_at = abs(int(arrays[term.flat_items.input[1]][-1])) // items.shape[1]
    if rows is None:
        nobody = np.full((extension.count, items.shape[1]), PAD)
        longer = np.concatenate([items, nobody]), np.concatenate([weights, 0.0 * nobody])
        rows = NeighbourRows(*longer, items.shape[1])
    return {
        f"{suffix}.items": rows.items.astype(items.dtype),
        f"{suffix}.weights": rows.weights.astype(weights.dtype),
        f"{suffix}.shape": np.array([-1, looked_at * rows.items.shape[1]], np.int64),
    }


def _copies(
    chain: tuple[onnx.NodeProto, ...], table: str, shape: str, suffix: str
) -> list[onnx.NodeProto]:
    """A chain of nodes from a table to its flat rows, reading another table."""
    copies: list[onnx.NodeProto] = []
    for node in chain:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[0] = copies[-1].output[0] if copies else table
        copy.output[0] = f"{table}.{node.op_type.lower()}"
        copy.name = f"{node.op_type}_{table}"
        copies.append(copy)
    copies[-1].input[1] = shape
    return copies
