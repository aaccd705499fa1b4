"""The metadata of a graph ties it to its contract and item table."""

from __future__ import annotations

import hashlib

import onnx

from slmrec.export.graph_metadata import graph_properties, stamp
from tests.support.bundles import served_items, small_graph


def test_a_graphs_properties_are_the_hashes_of_contract_and_item_table() -> None:
    properties = graph_properties(b"a contract", served_items())
    assert properties["slmrec.contract_sha256"] == hashlib.sha256(b"a contract").hexdigest()
    items_sha256 = hashlib.sha256(served_items().jsonl).hexdigest()
    assert properties["slmrec.items_sha256"] == items_sha256


def test_a_stamp_changes_the_metadata_alone_and_leaves_the_graph_as_it_was() -> None:
    before = small_graph().SerializeToString(deterministic=True)
    stamped = onnx.load_model_from_string(stamp(small_graph(), {"b": "2", "a": "1"}))
    assert [(entry.key, entry.value) for entry in stamped.metadata_props] == [
        ("a", "1"),
        ("b", "2"),
    ]
    stamped.ClearField("metadata_props")
    assert stamped.SerializeToString(deterministic=True) == before
    assert small_graph().SerializeToString(deterministic=True) == before
