"""A key changes with everything that a result is made from, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import polars
import pytest

from slmrec.core import fingerprint
from slmrec.core.fingerprint import key_of, made_by
from tests.support.histories import TRAINING


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree that stands for slmrec's code."""
    for room in ("core", "training"):
        (tmp_path / "code" / room).mkdir(parents=True)
        (tmp_path / "code" / room / "loop.py").write_text("1")
    monkeypatch.setattr(fingerprint, "CODE", tmp_path / "code")
    return tmp_path / "code"


def test_the_hashed_code_is_the_whole_package() -> None:
    assert (fingerprint.CODE / "core" / "fingerprint.py").is_file()
    assert (fingerprint.CODE / "training" / "loop.py").is_file()


def test_a_key_changes_with_inputs_and_settings(tmp_path: Path) -> None:
    (tmp_path / "input").write_text("a")
    key = key_of([tmp_path / "input"], TRAINING)
    assert key == key_of([tmp_path / "input"], TRAINING)
    assert key != key_of([tmp_path / "input"], TRAINING.model_copy(update={"epochs": 9}))
    (tmp_path / "input").write_text("b")
    assert key != key_of([tmp_path / "input"], TRAINING)


def test_a_key_changes_with_a_file_below_an_input_folder(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    empty = key_of([tmp_path / "input"])
    (tmp_path / "input" / "table.parquet").write_text("a")
    assert key_of([tmp_path / "input"]) != empty


@pytest.mark.parametrize("room", ["core", "training"])
def test_a_key_changes_with_the_code_of_every_room(code: Path, room: str) -> None:
    key = key_of([], 1)
    (code / room / "loop.py").write_text("2")
    assert key_of([], 1) != key


def test_what_a_table_is_made_by_is_the_code_of_its_rooms_and_the_libraries(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_training = made_by("training")
    (code / "core" / "loop.py").write_text("2")
    assert made_by("training") == by_training
    (code / "training" / "loop.py").write_text("2")
    assert made_by("training") != by_training
    rewritten = made_by("training")
    monkeypatch.setattr(polars, "__version__", "0.0")
    assert made_by("training") != rewritten
