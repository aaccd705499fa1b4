"""The items' vectors are read with numpy alone, and nothing is believed of what the file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime.item_vectors import read_item_vectors


def file_of(header: Any, body: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def tensor(dtype: str, shape: Any, first: Any, stop: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [first, stop]}


ITEMS = np.array([2, 5], np.int64)
VECTORS = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
BODY = ITEMS.tobytes() + VECTORS.tobytes()
GOOD = {"items": tensor("I64", [2], 0, 16), "vectors": tensor("F32", [2, 3], 16, 40)}


def test_items_and_vectors_are_read_as_they_lie_there() -> None:
    found = read_item_vectors(file_of(GOOD, BODY))
    assert found.items.tolist() == [2, 5]
    assert found.vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (found.items.dtype, found.vectors.dtype) == (np.int64, np.float32)


def test_a_bundles_file_is_what_the_safetensors_package_reads(exported_bundle: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy", exc_type=ImportError)
    data = (exported_bundle / "item_vectors.safetensors").read_bytes()
    theirs, ours = safetensors.load(data), read_item_vectors(data)
    assert sorted(theirs) == ["items", "vectors"]
    np.testing.assert_array_equal(theirs["items"], ours.items)
    np.testing.assert_array_equal(theirs["vectors"], ours.vectors)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        (10**12).to_bytes(8, "little") + b"{}",
        file_of(b"{", BODY),
        file_of(b"[" * 60_000, BODY),
        file_of([], BODY),
        file_of({"items": GOOD["items"]}, BODY),
        file_of(GOOD, BODY[:-1]),
        file_of(GOOD | {"vectors": tensor("F64", [2, 3], 16, 40)}, BODY),
        file_of(GOOD | {"vectors": tensor("F32", [6], 16, 40)}, BODY),
        file_of(GOOD | {"vectors": tensor("F32", [2, 4], 16, 40)}, BODY),
        file_of(GOOD | {"vectors": tensor("F32", [-2, -3], 16, 40)}, BODY),
        file_of(GOOD | {"vectors": tensor("F32", ["2", 3], 16, 40)}, BODY),
        file_of(GOOD | {"vectors": tensor("F32", [2**40, 2**40], 16, 2**82 + 16)}, BODY),
        file_of(GOOD | {"items": tensor("I64", [2], -16, 0)}, BODY),
        file_of(GOOD | {"items": {"dtype": "I64", "shape": [2], "data_offsets": [0]}}, BODY),
        file_of(GOOD | {"items": tensor("I64", [1], 0, 8)}, BODY),  # one item, two vectors
    ],
)
def test_what_is_no_such_file_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"item_vectors\.safetensors") as caught:
        read_item_vectors(data)
    assert len(str(caught.value).splitlines()) == 1
