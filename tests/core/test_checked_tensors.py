"""Tensors come back to the bit, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from slmrec.core.checked_tensors import load_tensors, save_tensors
from slmrec.core.checksum import DamagedError
from tests.support.damage import flip_each_byte

TENSORS = {
    "weight": torch.arange(6.0).reshape(2, 3).T,  # not contiguous
    "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "step": torch.tensor(7),
    "mask": torch.tensor([True, False]),
    "none": torch.empty(0, 3),
}


def test_every_type_and_shape_comes_back_with_the_record(tmp_path: Path) -> None:
    save_tensors(tmp_path / "a", TENSORS, {"epoch": 3})
    tensors, record = load_tensors(tmp_path / "a")
    assert record == {"epoch": 3}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert all(tensors[name].dtype == TENSORS[name].dtype for name in TENSORS)


def test_whichever_byte_is_flipped_nothing_else_is_ever_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    save_tensors(path, {"weight": torch.arange(4.0)}, {"epoch": 3})
    seen = 0
    for _place in flip_each_byte(path):
        try:
            tensors, record = load_tensors(path)
        except DamagedError:
            seen += 1
        else:  # a byte that means nothing, as a blank that fills the header
            assert record == {"epoch": 3}
            assert torch.equal(tensors["weight"], torch.arange(4.0))
    assert seen >= path.stat().st_size - 16


def test_a_file_without_a_checksum_is_not_trusted(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "a", metadata={"record": "{}"})
    with pytest.raises(DamagedError):
        load_tensors(tmp_path / "a")
