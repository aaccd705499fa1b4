"""Which files are logs, and the bounded sample of each."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from slmrec.init.samples.raw_files import (
    HEAD_BYTES,
    PART_BYTES,
    RawFile,
    UnreadableFileError,
    list_raw_files,
    read_sample,
)


def raw(path: Path) -> RawFile:
    return next(file for file in list_raw_files(path.parent) if file.path == path)


def test_hidden_files_texts_for_people_and_the_index_are_no_logs(tmp_path: Path) -> None:
    for name in ("a.csv", "._a.csv", "__MACOSX/b.csv", "README", "notes.md", "index/items.parquet"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    (tmp_path / "empty.csv").touch()

    assert [file.name for file in list_raw_files(tmp_path)] == ["a.csv"]


def test_a_small_file_is_sampled_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1,2\n")

    sample = read_sample(raw(tmp_path / "a.csv"))

    assert (sample.head, sample.parts, sample.complete) == (b"1,2\n", (), True)


def test_of_a_large_file_start_middle_and_end_are_read_and_no_more(tmp_path: Path) -> None:
    size = 3 * HEAD_BYTES
    content = b"".join(b"%09d\n" % number for number in range(size // 10))
    (tmp_path / "a.csv").write_bytes(content)

    sample = read_sample(raw(tmp_path / "a.csv"))

    assert not sample.complete
    assert len(sample.head) == HEAD_BYTES
    assert sum(map(len, sample.parts)) <= 4 * PART_BYTES
    assert sample.parts[-1] == content[-len(sample.parts[-1]) :]
    # An even place, so that a two-byte encoding is not cut between its bytes.
    assert all(content.index(part) % 2 == 0 for part in sample.parts)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zip"])
def test_compressed_files_are_sampled_as_their_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(b"1,2\n"))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "1,2\n")
            archive.writestr("__MACOSX/._a.csv", "junk")

    assert read_sample(raw(path)).head == b"1,2\n"


def test_how_long_a_compressed_content_is_follows_from_its_start(tmp_path: Path) -> None:
    content = b"".join(b"%09d\n" % (number * 7919 % 10**9) for number in range(1_200_000))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content, 1))

    sample = read_sample(raw(tmp_path / "a.csv.gz"))

    assert (len(sample.head), sample.complete) == (HEAD_BYTES, False)
    assert sample.content_bytes == pytest.approx(len(content), rel=0.05)


def test_what_is_not_decompressed_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.bz2").write_bytes(b"BZh91AY")
    (tmp_path / "b.csv").write_bytes(gzip.compress(b"1,2\n"))
    (tmp_path / "d.pkl").write_bytes(b"\x80\x04\x95")
    (tmp_path / "e.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "f.feather").write_bytes(b"ARROW1\0\0")
    (tmp_path / "g.pickle").write_bytes(b"\x80\x02}")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("one.csv", "1")
        archive.writestr("two.csv", "2")

    for name, said in (
        ("a.bz2", "bz2 is not read; unpack it"),
        ("b.csv", "rename it to b.csv.gz"),
        ("d.pkl", "a pickle is not read; write Parquet"),
        ("e.xlsx", "save it as csv"),
        ("f.feather", r"Arrow's own format \(Feather\) is not read; write Parquet"),
        ("g.pickle", "a pickle is not read; write Parquet"),
        ("c.zip", r"a zip of several files \(one.csv, two.csv"),
    ):
        with pytest.raises(UnreadableFileError, match=said):
            read_sample(raw(tmp_path / name))
