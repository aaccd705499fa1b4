"""A flipped bit anywhere in a file of the cache is seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.checksum import (
    DamagedError,
    check_files,
    checksum,
    checksum_of_parts,
    file_checksum,
    read_checked_json,
    write_checked_json,
)
from tests.support.damage import flip_each_byte, flip_one_bit


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_checked_json(path, {"b": [1, 0.1, None], "a": {2: "x", 10: "é"}, "pair": (1, 2)})
    assert read_checked_json(path) == {
        "b": [1, 0.1, None],
        "a": {"2": "x", "10": "é"},
        "pair": [1, 2],
    }


def test_whichever_byte_of_json_is_flipped_it_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_checked_json(path, {"figure": 0.25})
    for _place in flip_each_byte(path):
        with pytest.raises(DamagedError, match=r"a\.json is damaged and is left out"):
            read_checked_json(path)
    assert read_checked_json(path) == {"figure": 0.25}


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"a\nb\nc"])
def test_another_file_of_that_name_is_seen(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DamagedError):
        read_checked_json(tmp_path / "a.json")


def test_a_file_that_changed_or_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    checksums = {"a": file_checksum(path)}
    assert checksums == {"a": checksum(b"abc")}
    check_files(tmp_path, checksums)
    flip_one_bit(path)
    with pytest.raises(DamagedError) as damaged:
        check_files(tmp_path, checksums)
    assert damaged.value.path == path
    path.unlink()
    with pytest.raises(DamagedError):
        check_files(tmp_path, checksums)


def test_parts_hang_on_names_and_bytes_and_not_on_their_order() -> None:
    one, two = memoryview(b"one"), memoryview(b"two")
    both = checksum_of_parts({"a": one, "b": two})
    assert checksum_of_parts({"b": two, "a": one}) == both
    assert checksum_of_parts({"a": two, "b": one}) != both
    assert checksum_of_parts({"a": one, "c": two}) != both
