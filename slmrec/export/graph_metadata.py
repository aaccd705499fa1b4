"""A graph's metadata, which ties it to the contract and the item table of its bundle."""

from __future__ import annotations

import onnx

from slmrec import __version__
from slmrec.runtime.bundle import CONTRACT_HASH, ITEMS_HASH, VERSION, sha256_of_bytes
from slmrec.runtime.items import ServedItems


def graph_properties(contract: bytes, served: ServedItems) -> dict[str, str]:
    """The metadata that ties a graph to its contract and item table."""
    return {
        VERSION: __version__,
        CONTRACT_HASH: sha256_of_bytes(contract),
        ITEMS_HASH: sha256_of_bytes(served.jsonl),
    }


def stamp(graph: onnx.ModelProto, properties: dict[str, str]) -> bytes:
    """The graph's bytes with `properties` as its metadata."""
    stamped = onnx.ModelProto()
    stamped.CopyFrom(graph)
    onnx.helper.set_model_props(stamped, dict(sorted(properties.items())))
    return stamped.SerializeToString(deterministic=True)
