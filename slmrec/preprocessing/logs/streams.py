"""Text files as a stream of UTF-8: unpacked, and decoded from whatever encoding they have."""

from __future__ import annotations

import codecs
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa

from slmrec.core.errors import DataError

PACKED = (".gz", ".zst", ".zip")
DAMAGE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)  # of a stream
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it starts with
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NO_TEXT = ("base64", "bz2", "hex", "quopri", "rot-13", "rot13", "uu", "zlib")  # Python's codecs
UNDECODED = "\udcff"  # a lone surrogate, which is no UTF-8: its line cannot be read, others can
REPLACED = "slmrec.undecoded"  # the name of the error handler that writes it
MEMBERS_SHOWN = 5


def _undecoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODED, error.end


codecs.register_error(REPLACED, _undecoded)


@contextmanager
def open_stream(path: Path) -> Iterator[IO[bytes]]:
    """A plain, .gz, .zst or .zip file (of one member) as a stream of bytes.

    Raises DataError when a .zip holds no member, several, or one that cannot be read.
    """
    if path.suffix == ".zip":
        member = only_member(path)
        with zipfile.ZipFile(path) as archive:
            try:
                stream = archive.open(member)
            except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed unusually
                raise DataError(f"{path} cannot be read ({error}); unpack it") from error
            with stream:
                yield stream
        return
    compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    if compression is None:
        with path.open("rb") as stream:
            yield stream
    else:
        with pa.input_stream(str(path), compression=compression) as packed:
            yield packed


def only_member(path: Path) -> str:
    """The name of the one file in a .zip, hidden ones aside. Raises DataError otherwise."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except DAMAGE as error:
        raise DataError(f"{path} is no readable zip archive ({error}); deliver it again") from error
    files = [name for name in names if not is_hidden(PurePosixPath(name))]
    if len(files) != 1:
        shown = ", ".join(files[:MEMBERS_SHOWN]) + (", ..." if len(files) > MEMBERS_SHOWN else "")
        raise DataError(
            f"{path} holds {len(files)} files{f' ({shown})' if files else ''}, and a zip archive "
            "is read where it holds one; unpack it and name the files in params.yaml"
        )
    return files[0]


def is_hidden(path: PurePosixPath | Path) -> bool:
    """Whether a path is below a hidden folder, hidden itself, or what macOS adds to archives."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


class Utf8Pieces:
    """The content of a stream in pieces of UTF-8. `encoding` is the one that it was found in.

    Bytes that are not of that encoding become ones that are not UTF-8.
    """

    def __init__(self, stream: IO[bytes], encoding: str, size: int) -> None:
        self._stream, self._size = stream, size
        self._first = stream.read(size)
        mark = next((mark for mark in BYTE_ORDER_MARKS if self._first.startswith(mark)), None)
        self.encoding = codecs.lookup(encoding if mark is None else BYTE_ORDER_MARKS[mark]).name
        if self.encoding in NO_TEXT:
            raise DataError(
                f"encoding is {encoding}, which is none of text; "
                "name one such as utf-8, latin-1, cp1252 or utf-16 in params.yaml"
            )

    def __iter__(self) -> Iterator[bytes]:
        if self.encoding not in ("utf-8", "utf-8-sig", "ascii"):
            yield from self._transcoded()
            return
        first = self._first.removeprefix(codecs.BOM_UTF8)
        if first:
            yield first
        while piece := self._stream.read(self._size):
            yield piece

    def _transcoded(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self.encoding)(errors=REPLACED)
        piece = self._first
        while piece:
            yield decoder.decode(piece).encode(errors="surrogatepass")
            piece = self._stream.read(self._size)
        if rest := decoder.decode(b"", final=True):
            yield rest.encode(errors="surrogatepass")
