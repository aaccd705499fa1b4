"""Files are unpacked, and come as UTF-8 whatever their encoding is."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.logs.streams import Utf8Pieces, is_hidden, only_member, open_stream
from tests.support.logs import START, Workshop, as_csv, as_zip

TEXT = "Cité,Łódź,日本\n" * 3
GOOD = [(f"user {number % 5}", f"Cité {number}", START + number, 1.0) for number in range(20)]


def pieces(content: bytes, encoding: str, size: int = 1 << 20) -> Utf8Pieces:
    return Utf8Pieces(io.BytesIO(content), encoding, size)


@pytest.mark.parametrize("size", [4, 5, 7, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "gb18030", "utf-8-sig"])
def test_characters_may_span_pieces(encoding: str, size: int) -> None:
    content = b"".join(pieces(TEXT.encode(encoding), encoding, size))
    assert content == TEXT.encode()


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
@pytest.mark.parametrize("named", ["utf-8", "latin-1", "utf-16"])
def test_a_byte_order_mark_wins(mark: bytes, encoding: str, named: str) -> None:
    assert b"".join(pieces(mark + TEXT.encode(encoding), named)) == TEXT.encode()


def test_utf_8_is_left_as_it_is() -> None:
    assert b"".join(pieces(b"good\n\xff bad\n", "utf-8", 4)) == b"good\n\xff bad\n"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("cp1252", b"good\nb\x81d\nfine\n"),  # 0x81 stands for nothing
        ("shift_jis", b"good\nb\xffd\nfine\n"),
        ("utf-16-le", "good\nbad\nfine\n".encode("utf-16-le").replace(b"b\0a", b"\0\xd8a")),
    ],
)
def test_bytes_that_are_not_of_the_encoding_spoil_their_own_line(
    encoding: str, content: bytes
) -> None:
    good, bad, fine, rest = b"".join(pieces(content, encoding)).split(b"\n")
    assert (good, fine, rest) == (b"good", b"fine", b"")
    with pytest.raises(UnicodeDecodeError):
        bad.decode()


@pytest.mark.parametrize("encoding", ["hex", "rot13", "base64", "zip"])
def test_codecs_that_are_none_of_text_are_told(encoding: str) -> None:
    with pytest.raises(DataError, match=f"encoding is {encoding}, which is none of text"):
        pieces(b"x", encoding)


def test_the_line_that_is_not_of_the_encoding_is_set_aside(workshop: Workshop) -> None:
    content = as_csv(GOOD).decode().encode("cp1252") + b"b\x81d,x,1700000000,1\n"
    workshop.set(prepare__events__encoding="cp1252", prepare__max_quarantine_share=0.1)
    workshop.deliver("a.csv", content)
    assert workshop.prepare()["quarantined"] == {"not cp1252": 1}
    assert workshop.events()["item"].to_list() == [item for _, item, _, _ in GOOD]


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_a_zip_archive_of_one_file_is_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(as_zip({"folder/a.csv": b"x" * 100, "__MACOSX/folder/._a.csv": b"\0"}))
    assert only_member(path) == "folder/a.csv"
    with open_stream(path) as stream:
        assert b"".join(iter(lambda: stream.read(size), b"")) == b"x" * 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            as_zip({"a.csv": b"1", "b.csv": b"2"}),
            r"holds 2 files \(a.csv, b.csv\), and .*unpack it",
        ),
        (as_zip({f"{n}.csv": b"" for n in range(7)}), r"7 files \(.*4\.csv, \.\.\.\)"),
        (as_zip({".DS_Store": b"1"}), "holds 0 files, and"),
        (b"PK\x03\x04 and no end", "is no readable zip archive .*; deliver it again"),
    ],
)
def test_other_zip_archives_are_told(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        only_member(path)


def test_a_zip_archive_that_is_locked_is_told(tmp_path: Path) -> None:
    content = bytearray(as_zip({"a.csv": b"x"}))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(header) + flags] |= 1  # encrypted
    path = tmp_path / "a.zip"
    path.write_bytes(bytes(content))
    with (
        pytest.raises(DataError, match=r"cannot be read .*password.*; unpack it"),
        open_stream(path),
    ):
        pass


def test_what_is_hidden() -> None:
    hidden = ["._a.csv", ".cache/a.csv", "__MACOSX/a.csv", "x/.hidden"]
    assert all(is_hidden(PurePosixPath(name)) for name in hidden)
    assert not any(is_hidden(PurePosixPath(name)) for name in ("a.csv", "x.y/a._b", "MACOSX/a"))


@pytest.mark.parametrize("suffix", ["", ".gz", ".zip"])
def test_utf_16_is_read_from_packed_files_too(workshop: Workshop, suffix: str) -> None:
    plain = as_csv(GOOD).decode().encode("utf-16")
    packed = {"": plain, ".gz": gzip.compress(plain), ".zip": as_zip({"a.csv": plain})}
    workshop.deliver(f"a.csv{suffix}", packed[suffix])
    workshop.prepare()
    assert workshop.events()["item"].to_list() == [item for _, item, _, _ in GOOD]


def test_a_damaged_member_is_told(workshop: Workshop) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", as_csv(GOOD))
    workshop.deliver("a.csv.zip", stream.getvalue().replace(b"user 3", b"user 9", 1))
    with pytest.raises(DataError, match=r"cannot be read to its end .*; deliver it again"):
        workshop.prepare()
