"""A file or folder is complete or absent, whatever happens while it is written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.core.files import (
    new_file,
    new_folder,
    read_json,
    sha256_of,
    sha256_of_folder,
    write_json,
)


def test_a_file_takes_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "below" / "out.txt"
    with new_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert [file.name for file in path.parent.iterdir()] == ["out.txt"]


def fail_while_writing(path: Path) -> None:
    with new_file(path) as temporary:
        temporary.write_text("half of it")
        raise ZeroDivisionError


def test_a_failure_leaves_the_old_file_and_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail_while_writing(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]


def test_a_folder_replaces_the_old_one_with_all_that_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    with new_folder(path) as temporary:
        (temporary / "new.txt").write_text("new")
        assert (path / "old.txt").exists()
    assert [file.name for file in path.iterdir()] == ["new.txt"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["out"]


def fail_while_filling(path: Path) -> None:
    with new_folder(path) as temporary:
        (temporary / "new.txt").write_text("new")
        raise ZeroDivisionError


def test_a_failure_leaves_the_old_folder_and_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "old.txt").write_text("old")
    with pytest.raises(ZeroDivisionError):
        fail_while_filling(path)
    assert [file.name for file in path.iterdir()] == ["old.txt"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["out"]


def test_json_is_sorted_and_comes_back_as_it_was(tmp_path: Path) -> None:
    write_json(tmp_path / "out.json", {"b": [1, 2.5], "a": None})
    assert (tmp_path / "out.json").read_text().split()[:3] == ["{", '"a":', "null,"]
    assert read_json(tmp_path / "out.json") == {"b": [1, 2.5], "a": None}


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "out.json", {"ndcg@10": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_missing_and_a_malformed_json_file_are_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"out\.json is missing; run the stage"):
        read_json(tmp_path / "out.json")
    (tmp_path / "out.json").write_text("{")
    with pytest.raises(DataError, match=r"out\.json is not JSON .*; delete it"):
        read_json(tmp_path / "out.json")


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def folder_hash(folder: Path, files: dict[str, str], pattern: str = "*") -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return sha256_of_folder(folder, pattern)


def test_the_hash_of_a_folder_hangs_on_names_and_bytes(tmp_path: Path) -> None:
    plain = folder_hash(tmp_path / "one", {"a.py": "1", "b/c.py": "2"})
    assert folder_hash(tmp_path / "two", {"a.py": "1", "b/c.py": "2"}) == plain
    assert folder_hash(tmp_path / "three", {"a.py": "1", "b/d.py": "2"}) != plain
    assert folder_hash(tmp_path / "four", {"a.py": "1", "b/c.py": "3"}) != plain


def test_the_hash_does_not_hang_on_the_order_in_which_a_disk_lists_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, rglob = folder_hash(tmp_path, {"a.py": "1", "b/c.py": "2"}), Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda path, pattern: reversed(list(rglob(path, pattern))))
    assert sha256_of_folder(tmp_path, "*") == plain


def test_only_files_of_the_pattern_count(tmp_path: Path) -> None:
    plain = folder_hash(tmp_path / "one", {"a.py": "1"}, "*.py")
    assert folder_hash(tmp_path / "two", {"a.py": "1", "a.pyc": "2"}, "*.py") == plain
