"""What every peer's SASRec is given and gives back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.peers.sasrec_run import EpochTimes, read_task, write_lists

SETTINGS = {
    "width": 64,
    "layers": 2,
    "heads": 2,
    "max_length": 50,
    "epochs": 10,
    "seed": 1,
    "threads": 1,
}


def test_a_task_is_read_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    paths = [str(tmp_path / name) for name in ("train.csv", "settings.json", "lists.csv")]
    monkeypatch.setattr(sys, "argv", ["peer", *paths])
    threads = torch.get_num_threads()
    try:
        task = read_task()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)
    assert task.events == tmp_path / "train.csv"
    assert task.recommended == tmp_path / "lists.csv"
    assert (task.width, task.epochs) == (64, 10)


def test_every_epoch_is_timed_and_the_last_line_has_them_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    times = EpochTimes()
    for _ in range(2):
        times.start()
        times.stop()
    times.print()
    epochs = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [sorted(epoch) for epoch in epochs] == [["processor_seconds", "seconds"]] * 2
    assert all(epoch["seconds"] >= 0 for epoch in epochs)


def test_lists_are_written_with_their_heads(tmp_path: Path) -> None:
    write_lists(tmp_path / "lists.csv", [(0, 9, 1), (0, 7, 2)])
    lines = (tmp_path / "lists.csv").read_text().splitlines()
    assert lines == ["user_id,item_id,rank", "0,9,1", "0,7,2"]
