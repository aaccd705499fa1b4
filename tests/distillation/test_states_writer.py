"""Recorded outputs lie in shards of the asked size and precision, or nothing is written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import read_json
from slmrec.distillation.states_writer import (
    StatesWriter,
    StoredOutputs,
    concatenate,
    shard_name,
)
from slmrec.distillation.teacher_outputs import StatesShape, TeacherOutputs
from tests.support.teachers import HISTORIES

SHAPE = StatesShape(10, [2, 4], 3, 2, "float16", 4, "disk")


def outputs(positions: int, first: int = 0) -> TeacherOutputs:
    """Outputs whose numbers say at which position they are."""
    number = torch.arange(first, first + positions, dtype=torch.float32)
    return TeacherOutputs(
        number[:, None, None].expand(-1, 2, 3), number[:, None].long() + 2, -number[:, None]
    )


def test_consecutive_positions_fill_shards_whatever_the_pieces_they_come_in(
    tmp_path: Path,
) -> None:
    writer = StatesWriter(tmp_path, SHAPE, HISTORIES)
    first = 0
    for positions in (1, 6, 3):
        writer.add(writer.encode(outputs(positions, first)))
        first += positions
    assert {path.name for path in tmp_path.iterdir()} == {shard_name(0), shard_name(1)}
    writer.close()
    shards = [load_file(tmp_path / shard_name(number)) for number in range(3)]
    assert [shard["items"].flatten().tolist() for shard in shards] == [
        [2, 3, 4, 5],
        [6, 7, 8, 9],
        [10, 11],
    ]
    assert shards[1]["states"][:, 1, 2].tolist() == [4, 5, 6, 7]
    assert shards[2]["scores"].flatten().tolist() == [-8, -9]
    assert shards[0]["states"].dtype == shards[0]["scores"].dtype == torch.float16
    assert shards[0]["items"].dtype == torch.int32
    windows = load_file(tmp_path / "windows.safetensors")["window"]
    assert windows.tolist() == HISTORIES.windows.window.tolist()
    assert read_json(tmp_path / "states.json") == vars(SHAPE)


def test_shards_that_are_full_leave_no_empty_one_behind(tmp_path: Path) -> None:
    writer = StatesWriter(tmp_path, SHAPE, HISTORIES)
    writer.add(writer.encode(outputs(8)))
    writer.close()
    assert len(list(tmp_path.glob("states-*"))) == 2


def test_states_beyond_the_precision_are_refused_with_a_way_out(tmp_path: Path) -> None:
    writer = StatesWriter(tmp_path, SHAPE, HISTORIES)
    with pytest.raises(DataError, match="do not fit float16; set record_states"):
        writer.add(writer.encode(outputs(4, first=70_000)))  # float16 ends at 65,504


def test_states_that_do_not_fit_the_disk_are_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "slmrec.distillation.states_writer.shutil.disk_usage", lambda _: SimpleNamespace(free=100)
    )
    with pytest.raises(UnavailableError, match="record fewer blocks"):
        StatesWriter(tmp_path / "states", SHAPE, HISTORIES)
    assert not list((tmp_path / "states").iterdir())


def test_parts_are_put_one_after_the_other() -> None:
    parts = [
        StoredOutputs(*(torch.full((2, 1), value) for value in (n, n + 10, n + 20))) for n in (1, 2)
    ]
    states, items, scores = concatenate(parts)
    assert states.flatten().tolist() == [1, 1, 2, 2]
    assert items.flatten().tolist() == [11, 11, 12, 12]
    assert scores.flatten().tolist() == [21, 21, 22, 22]
