"""Files below data/ that may be logs, and a bounded sample of the bytes of each."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

HEAD_BYTES = 4 << 20  # read from the start of a file
PART_BYTES = 512 << 10  # read at each later place of a file that can be sought
PLACES = (0.25, 0.5, 0.75, 1.0)  # of those later parts, as shares of the file
READ = {b"\x1f\x8b": "gz", b"\x28\xb5\x2f\xfd": "zst", b"PK\x03\x04": "zip"}  # by prepare
NOT_READ = {
    b"BZh": "bz2 is not read; unpack it",
    b"\xfd7zXZ": "xz is not read; unpack it",
    b"7z\xbc\xaf": "7z is not read; unpack it",
    b"Rar!": "rar is not read; unpack it",
    **{bytes([0x80, version]): "a pickle is not read; write Parquet" for version in range(2, 6)},
    b"ARROW1": "Arrow's own format (Feather) is not read; write Parquet",
    b"\x93NUMPY": "an array of numpy is not read; write Parquet",
    b"Obj\x01": "Avro is not read; write Parquet",
    b"ORC": "ORC is not read; write Parquet",
    b"\x89HDF": "HDF5 is not read; write Parquet",
    b"SQLite": "a database is not read; write its table as csv",
}
SPREADSHEETS = (".xlsx", ".xls", ".ods")
READ_BY_NAME = {".gz": "gz", ".zst": "zst", ".zip": "zip"}
IGNORED_SUFFIXES = {
    *(".md", ".pdf", ".html", ".htm", ".png", ".jpg", ".jpeg", ".svg", ".py", ".ipynb", ".dvc"),
    *(".yaml", ".yml", ".toml", ".sh", ".pl", ".r", ".doc", ".docx", ".lock", ".md5", ".sha256"),
}
IGNORED_STEMS = ("readme", "license", "licence", "changelog", "truth.json")
INDEX_DIR = "index"  # data/index holds the previous item index, which is not part of the logs


@dataclass(frozen=True)
class RawFile:
    """A file that may hold logs: its path, name below data/, size and compression ("" for none)."""

    path: Path
    name: str
    size: int
    compression: str


@dataclass(frozen=True)
class ByteSample:
    """Bytes of a file: its start, some later parts, and whether the start is all there is."""

    head: bytes
    parts: tuple[bytes, ...]
    complete: bool
    content_bytes: int  # of all of the content, about


class UnreadableFileError(Exception):
    """Why a file cannot be read as logs, and what to do about it; not an error of the run."""

    name = ""  # of the file, once it is known


def list_raw_files(data_dir: Path) -> list[RawFile]:
    """Files below `data_dir` in name order, without hidden ones, texts for people and the index."""
    files = []
    for path in sorted(data_dir.rglob("*")):
        name = path.relative_to(data_dir)
        if path.is_file() and path.stat().st_size and not _is_ignored(name):
            files.append(RawFile(path, name.as_posix(), path.stat().st_size, compression_of(path)))
    return files


def _is_ignored(name: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    stem = name.name.lower()
    return (
        hidden
        or name.parts[0] == INDEX_DIR
        or name.suffix.lower() in IGNORED_SUFFIXES
        or stem.startswith(IGNORED_STEMS)
    )


def compression_of(path: Path) -> str:
    """What the first bytes say: gz, zst, zip, or "" for anything else."""
    start = _first_bytes(path)
    return next((name for magic, name in READ.items() if start.startswith(magic)), "")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(6)


def read_sample(file: RawFile) -> ByteSample:
    """A bounded sample of the file's content, decompressed. Raises UnreadableFileError."""
    _check_readable(file)
    try:
        if file.compression:
            return _compressed_sample(file)
        with file.path.open("rb") as stream:
            head = _read_up_to(stream, HEAD_BYTES)
            parts = [] if len(head) < HEAD_BYTES else _later_parts(stream, file.size)
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise UnreadableFileError(f"it cannot be decompressed ({error})") from error
    return ByteSample(head, tuple(parts), len(head) < HEAD_BYTES, file.size)


def _check_readable(file: RawFile) -> None:
    start, name = _first_bytes(file.path), file.path.name
    for magic, reason in NOT_READ.items():
        if start.startswith(magic):
            raise UnreadableFileError(reason)
    if file.path.suffix.lower() in SPREADSHEETS:
        raise UnreadableFileError("a spreadsheet is not read; save it as csv")
    if file.compression and READ_BY_NAME.get(file.path.suffix) != file.compression:
        kind = file.compression
        raise UnreadableFileError(f"it is {kind} inside; rename it to {name}.{kind}")
    if file.compression == "zip" and len(zip_members(file.path)) != 1:
        members = ", ".join(zip_members(file.path)[:3])
        raise UnreadableFileError(f"a zip of several files ({members}, ...) is not read; unpack it")


def _compressed_sample(file: RawFile) -> ByteSample:
    """The start of the content; how long all of it is, by what was read for the start."""
    if file.compression == "zip":
        with zipfile.ZipFile(file.path) as archive:
            member = archive.getinfo(zip_members(file.path)[0])
            head = _read_up_to(archive.open(member), HEAD_BYTES)
        return ByteSample(head, (), len(head) < HEAD_BYTES, member.file_size)
    codec = {"gz": "gzip", "zst": "zstd"}[file.compression]
    with file.path.open("rb") as packed, pa.CompressedInputStream(packed, codec) as stream:
        head = _read_up_to(stream, HEAD_BYTES)
        size = round(len(head) * file.size / max(packed.tell(), 1))
    complete = len(head) < HEAD_BYTES
    return ByteSample(head, (), complete, len(head) if complete else size)


def zip_members(path: Path) -> list[str]:
    """Names of the files in a zip archive, without what macOS adds."""
    with zipfile.ZipFile(path) as archive:
        return [
            entry.filename
            for entry in archive.infolist()
            if not entry.is_dir() and not entry.filename.startswith("__MACOSX/")
        ]


def _read_up_to(stream: IO[bytes] | pa.NativeFile, count: int) -> bytes:
    pieces = []
    while count > 0 and (piece := stream.read(count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _later_parts(stream: IO[bytes], size: int) -> list[bytes]:
    parts = []
    for share in PLACES:
        # An even place, so that a two-byte encoding is not cut between its bytes.
        place = max(HEAD_BYTES, int((size - PART_BYTES) * share)) // 2 * 2
        if place < size:
            stream.seek(place)
            parts.append(stream.read(PART_BYTES))
    return parts
