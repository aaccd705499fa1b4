"""A checkpoint gives back what was saved last, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from tests.support.damage import flip_one_bit

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "step": torch.tensor([7])}


@pytest.fixture(autouse=True)
def cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    return tmp_path


def test_tensors_and_record_come_back_as_they_were() -> None:
    checkpoint = Checkpoint.of("embed_items", "key")
    checkpoint.save({}, {"epoch": 0})
    checkpoint.save(TENSORS, {"epoch": 1})
    saved = checkpoint.load()
    assert saved is not None
    tensors, record = saved
    assert record == {"epoch": 1}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


def test_a_checkpoint_that_was_never_saved_is_none() -> None:
    assert Checkpoint.of("embed_items", "key").load() is None


@pytest.mark.parametrize("damage", [b"", b"not safetensors"], ids=["empty", "other"])
def test_a_damaged_file_counts_as_none_is_named_and_removed(
    damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = Checkpoint.of("embed_items", "key")
    checkpoint.save(TENSORS, {})
    checkpoint.path.write_bytes(damage)
    assert checkpoint.load() is None
    assert "key.safetensors is damaged" in capsys.readouterr().out
    assert not checkpoint.path.exists()


def test_a_flipped_bit_is_not_resumed_from(capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = Checkpoint.of("embed_items", "key")
    checkpoint.save(TENSORS, {"epoch": 1})
    flip_one_bit(checkpoint.path, checkpoint.path.stat().st_size - 1)  # in the values
    assert checkpoint.load() is None
    (line,) = capsys.readouterr().out.splitlines()
    assert line == "checkpoint key.safetensors is damaged and is left out; the work starts over"


def test_clearing_removes_the_checkpoints_of_the_stage_alone() -> None:
    first, second = Checkpoint.of("embed_items", "a"), Checkpoint.of("embed_items", "b")
    other = Checkpoint.of("train_teacher", "a")
    for checkpoint in (first, second, other):
        checkpoint.save(TENSORS, {})
    first.clear()
    assert [checkpoint.path.exists() for checkpoint in (first, second, other)] == [
        False,
        False,
        True,
    ]


def test_only_the_first_process_clears(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = Checkpoint.of("embed_items", "key")
    checkpoint.save(TENSORS, {})
    monkeypatch.setenv("RANK", "1")
    checkpoint.clear()
    assert checkpoint.path.exists()


def test_checkpoints_of_earlier_keys_are_forgotten(cache_dir: Path) -> None:
    old, current = Checkpoint.of("evaluate", "old"), Checkpoint.of("evaluate", "current")
    old.save(TENSORS, {})
    current.save(TENSORS, {})
    Checkpoint.forget_all_but("evaluate", [current])
    assert list((cache_dir / "checkpoints/evaluate").iterdir()) == [current.path]
