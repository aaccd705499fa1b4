"""The items' vectors of a bundle: what a user's vector is searched among.

`item_vectors.safetensors` holds `items` (C,) int64, the item indices of all candidates in ascending
order, and `vectors` (C, W) float32, theirs. The format is plain enough to be read with numpy alone:
eight bytes of length, a JSON header, and the numbers as they are.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from slmrec.core.errors import BundleError
from slmrec.runtime.bundle_folder import ADVICE
from slmrec.runtime.further_graphs import ITEM_VECTORS

DTYPES = {"items": ("I64", np.int64, 1), "vectors": ("F32", np.float32, 2)}
LENGTH_BYTES = 8  # before the header, little-endian
LARGEST_HEADER = 2**16  # bytes; two tensors need some two hundred


@dataclass(frozen=True)
class ItemVectors:
    """The C items that can be recommended, and their vectors."""

    items: np.ndarray  # (C,) int64 item indices, ascending
    vectors: np.ndarray  # (C, W) float32


def read_item_vectors(data: bytes) -> ItemVectors:
    """The vectors in the bytes of a bundle's file; nothing is copied.

    Raises BundleError where it is not what `slmrec.export` writes.
    """
    try:
        header, start = _header(data)
        arrays = {name: _array(data, start, header[name], name) for name in DTYPES}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{ITEM_VECTORS} is not readable ({' '.join(str(error).split())}); {ADVICE}"
        ) from error
    vectors = ItemVectors(**arrays)
    if len(vectors.items) != len(vectors.vectors):
        raise BundleError(
            f"{ITEM_VECTORS} has {len(vectors.items):,} items and "
            f"{len(vectors.vectors):,} vectors; {ADVICE}"
        )
    return vectors


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """What the file says of its tensors, and where they begin."""
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    start = LENGTH_BYTES + length
    if length > LARGEST_HEADER or start > len(data):
        raise ValueError(f"a header of {length:,} bytes in a file of {len(data):,}")
    return json.loads(data[LENGTH_BYTES:start]), start


def _array(data: bytes, start: int, described: dict[str, Any], name: str) -> np.ndarray:
    wanted, dtype, dimensions = DTYPES[name]
    shape, (first, stop) = described["shape"], described["data_offsets"]
    if described["dtype"] != wanted or len(shape) != dimensions:
        raise ValueError(f"{name} is {described['dtype']} of shape {shape}")
    sizes = [*shape, first, stop]
    if not all(isinstance(size, int) and size >= 0 for size in sizes) or start + stop > len(data):
        raise ValueError(f"{name} of shape {shape} lies at {first} to {stop}")
    count = math.prod(shape)
    if count * np.dtype(dtype).itemsize != stop - first:
        raise ValueError(f"{name} of shape {shape} has {stop - first:,} bytes")
    return np.frombuffer(data, dtype, count, start + first).reshape(shape)
