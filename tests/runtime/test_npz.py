"""Arrays come back as they were written; what is larger than it weighs is refused unread."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest

from slmrec.runtime.npz import read_npz


def npz(save: Any = np.savez, **arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def member(data: bytes, name: str = "a.npy") -> bytes:
    """A zip of one stored member."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr(name, data)
    return stream.getvalue()


def header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<i8", "fortran_order": False, "shape": shape}
    )
    return stream.getvalue()


def test_arrays_survive_being_written_and_read() -> None:
    arrays: dict[str, np.ndarray] = {
        "row": np.arange(6).reshape(2, 3),
        "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "number": np.array(7),
        "nothing": np.zeros((1, 0), dtype=np.float32),
    }
    read = read_npz(npz(**arrays))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = npz(np.savez_compressed, a=np.zeros(4_000_000, dtype=np.int64))  # 32 MB in 32 kB
    assert len(bomb) < 100_000
    tracemalloc.start()
    with pytest.raises(ValueError, match="32,000,128 bytes are packed into"):
        read_npz(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_header_cannot_claim_more_than_is_there() -> None:
    with pytest.raises(ValueError, match=r"shape \(1000000000000,\) has 8 bytes"):
        read_npz(member(header((10**12,)) + bytes(8)))


def test_members_that_share_their_bytes_are_refused() -> None:
    # Two entries of the directory for one member: the sum of sizes exceeds the file.
    data = member(header((1000,)) + bytes(8000))
    end = data.rindex(b"PK\x05\x06")
    start = data.rindex(b"PK\x01\x02")
    entry = data[start:end]
    twice = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), start, 0)
    with pytest.raises(ValueError, match="bytes are packed into"):
        read_npz(data[:end] + entry + twice)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a zip file"),
        (b"PK\x03\x04 cut off", "not a zip file"),
        (member(b"text", "a.txt"), "expected arrays alone"),
        (member(b"no array"), "magic string"),
        (npz(a=np.array([{"a": 1}], dtype=object)), "holds objects"),
        (member(b"\x93NUMPY\x01\x00\x10\x00{'descr': [[[[[[["), "."),
    ],
)
def test_what_is_no_npz_of_numbers_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_npz(data)


@pytest.mark.filterwarnings("ignore")  # of numpy and Python about odd headers
def test_altered_bytes_give_arrays_or_one_kind_of_error() -> None:
    data = npz(a=np.arange(5), b=np.array(2.5, dtype=np.float32))
    draw = random.Random(1)
    for _ in range(3000):
        altered = bytearray(data)
        for _ in range(draw.randint(1, 6)):
            place = draw.randrange(len(altered))
            altered[place : place + draw.randint(0, 3)] = draw.choices(b"()[]{}'<>09iOfL- ", k=2)
        with contextlib.suppress(ValueError):
            assert all(array.nbytes <= len(altered) for array in read_npz(bytes(altered)).values())
