"""An npz file read without trust: no objects, and nothing larger than the file itself.

numpy reserves what a header says before it reads, and a zip may hold far more than it weighs. What
this project writes is stored as it is, so no array has more bytes than the file.
"""

from __future__ import annotations

import io
import math
import zlib
from tokenize import TokenError
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

SUFFIX = ".npy"
# Of zipfile and of numpy's parsing of a header, found by altering bytes.
READ_ERRORS = (
    ValueError,
    OSError,
    EOFError,
    BadZipFile,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    TokenError,
    TypeError,
    MemoryError,
    zlib.error,
)


def read_npz(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an npz by name. Raises ValueError, in one line, for what is not one."""
    try:
        with ZipFile(io.BytesIO(data)) as file:
            members = file.infolist()
            _check_sizes(members, len(data))
            return {_name(member): _array(file.read(member)) for member in members}
    except READ_ERRORS as error:
        raise ValueError(" ".join(str(error).split())) from error


def _check_sizes(members: list[ZipInfo], size: int) -> None:
    unpacked = sum(member.file_size for member in members)
    if unpacked > size:
        raise ValueError(f"{unpacked:,} bytes are packed into {size:,}, expected them as they are")
    if len({member.filename for member in members}) < len(members):
        raise ValueError("two arrays have the same name")


def _name(member: ZipInfo) -> str:
    if not member.filename.endswith(SUFFIX):
        raise ValueError(f"it holds {member.filename!r}, expected arrays alone")
    return member.filename.removesuffix(SUFFIX)


def _array(data: bytes) -> np.ndarray:
    """The array of an npy file: plain numbers, as many as its header says."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("an array is not of npy format 1.0")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    values = data[stream.tell() :]
    if dtype.hasobject:
        raise ValueError("an array holds objects, expected numbers")
    if math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"an array of shape {shape} has {len(values):,} bytes")
    return np.frombuffer(values, dtype).reshape(shape, order="F" if fortran_order else "C")
