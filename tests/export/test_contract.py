"""The contract says what the graph is, and ties it to its item table."""

from __future__ import annotations

import hashlib

import onnx
import pytest

from slmrec.core.errors import UsageError
from slmrec.export.contract import bundle_contract
from tests.support.bundles import MAX_LENGTH, ROWS, served_items, small_contract, small_graph


def test_the_contract_says_what_the_graph_is() -> None:
    contract = small_contract()
    assert contract["graph"]["inputs"]["history"] == {"dtype": "int64", "shape": ["batch", "time"]}
    assert contract["graph"]["inputs"]["k"] == {"dtype": "int64", "shape": []}
    assert contract["graph"]["outputs"]["scores"] == {"dtype": "float32", "shape": ["batch", "k"]}
    assert contract["graph"]["opset"] == {"ai.onnx": 18}
    assert contract["max_length"] == MAX_LENGTH
    assert contract["minimum_runtime"] == {"onnxruntime": "1.18"}
    assert contract["vocabulary"] == {
        "pad": 0,
        "unknown": 1,
        "padding_side": "right",
        "order": "oldest first",
    }


def test_the_contract_counts_the_items_and_carries_the_hash_of_their_table() -> None:
    assert small_contract()["items"] == {
        "rows": ROWS,
        "candidates": ROWS - 2 - 1,  # without PAD, UNK and the retired item
        "first": 2,
        "sha256": hashlib.sha256(served_items().jsonl).hexdigest(),
    }


def test_a_graph_that_no_onnxruntime_is_known_to_read_is_refused() -> None:
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    graph.ir_version = 99
    with pytest.raises(UsageError, match=r"wrote ONNX IR 99, known are \[10\]"):
        bundle_contract(graph, served_items(), MAX_LENGTH, True, 1e-4, {}, None)
