"""What other libraries are given to train on, and what is read of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks import peer_runs
from benchmarks.datasets import Sequences
from benchmarks.peer_runs import installed_versions, read_lists, train_peer, write_events

SEQUENCES = Sequences(
    offsets=np.array([0, 3, 5]),
    items=np.array([4, 2, 3, 9, 8]),
    times=np.arange(5),
    catalogue=pl.DataFrame(),
)


def test_peers_train_on_all_but_each_users_last_event_in_our_order(tmp_path: Path) -> None:
    write_events(SEQUENCES, tmp_path)
    assert (tmp_path / "train.csv").read_text().splitlines() == [
        "user_id,item_id,datetime,weight",
        "0,4,1970-01-01 00:00:00,1",
        "0,2,1970-01-01 00:00:01,1",
        "1,9,1970-01-01 00:00:00,1",
    ]
    # RecBole holds the last one out by itself.
    assert (tmp_path / "events" / "events.inter").read_text().splitlines() == [
        "user_id:token\titem_id:token\ttimestamp:float",
        "0\t4\t0",
        "0\t2\t1",
        "0\t3\t2",
        "1\t9\t0",
        "1\t8\t1",
    ]


def test_lists_are_put_by_user_and_rank_and_short_ones_filled_with_zeros(tmp_path: Path) -> None:
    path = tmp_path / "lists.csv"
    path.write_text("user_id,item_id,rank\n1,7,2\n1,5,1\n0,9,1\n")
    lists = read_lists(path, users=3)
    assert lists[:, :3].tolist() == [[9, 0, 0], [5, 7, 0], [0, 0, 0]]
    assert lists.shape == (3, 10)


PEER = """
import json, sys
from pathlib import Path
events, settings, recommended = map(Path, sys.argv[-3:])
print("a library's own words")
recommended.write_text(f"user_id,item_id,rank\\n0,{json.loads(settings.read_text())['width']},1\\n")
print(json.dumps([{"seconds": 1.5, "processor_seconds": 1.0}]))
"""


def test_a_peer_runs_in_a_process_of_its_own_and_its_last_line_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "peer.py").write_text(PEER)
    (tmp_path / "settings.json").write_text('{"width": 64}')
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" {tmp_path}/peer.py "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(peer_runs, "peer_python", lambda name: python)
    epochs, lists = train_peer("rectools", tmp_path, users=1)
    assert epochs == [{"seconds": 1.5, "processor_seconds": 1.0}]
    assert lists[0, 0] == 64


def test_versions_are_those_of_the_library_and_what_computes_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    lines = "RecTools==0.19.0\ntorch==2.13.0+cpu\ntorchmetrics==1.0\nrich==15\nnumpy==1.26.4"
    python.write_text(f"#!/bin/sh\nprintf '{lines}\\n'\n")
    python.chmod(0o755)
    monkeypatch.setattr(peer_runs, "peer_python", lambda name: python)
    assert installed_versions("rectools") == [
        "RecTools==0.19.0",
        "torch==2.13.0+cpu",
        "numpy==1.26.4",
    ]
