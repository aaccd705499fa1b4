"""A peer and our SASRec are trained on the same events and measured on the same targets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import peer_quality
from benchmarks.experiment import DATASETS, Experiment
from benchmarks.peer_quality import PEERS, PeerQuality, mean_cost, page, peer_settings, timed
from benchmarks.workspace import Workspace
from tests.support.small_seeds import run_in_process

ITEMS = 30
SETTINGS = {"epochs": 3, "patience": 1, "arguments": {"n_factors": 8}}
# Stands in for RecTools, which has an environment of its own: knows that items follow on a ring.
PEER = """
import csv, json, sys
from pathlib import Path
events, task, lists = map(Path, sys.argv[-3:])
rows = list(csv.DictReader(events.open()))
last = {row["user_id"]: int(row["item_id"]) for row in rows}
following = {}
for one, two in zip(rows, rows[1:]):
    if one["user_id"] == two["user_id"]:
        following[int(one["item_id"])] = int(two["item_id"])
text = "user_id,item_id,score,rank\\n"
text += "".join(f"{user},{following[item]},1.0,1\\n" for user, item in last.items())
lists.write_text(text)
print("a library's own words")
print(json.dumps({"epochs": json.loads(task.read_text())["epochs"], "best_epoch": 2}))
"""


@pytest.fixture
def quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PeerQuality:
    """Of a set whose users walk a ring of items, with the stages in this process."""
    python = tmp_path / "python"
    (tmp_path / "peer.py").write_text(PEER)
    python.write_text(f'#!/bin/sh\necho run >> {tmp_path}/ran\nexec "{sys.executable}" '
                      f'{tmp_path}/peer.py "$@"\n')  # fmt: skip
    python.chmod(0o755)
    monkeypatch.setattr(peer_quality, "peer_python", lambda name: python)
    monkeypatch.setattr(Workspace, "run_python", run_in_process)
    (tmp_path / "data" / "amazon-beauty-classic").mkdir(parents=True)
    lines = [
        f"{user} " + " ".join(f"{(7 * user + step) % ITEMS}" for step in range(12 + user % 3))
        for user in range(100)
    ]
    sequences = tmp_path / "data" / "amazon-beauty-classic" / "sequences.txt"
    sequences.write_text("\n".join(lines) + "\n")
    experiment = Experiment(
        "amazon-beauty-classic", tmp_path / "data", tmp_path / "work", 1, part=None
    )
    experiment.changes |= {"embed_items.training.epochs": 2, "evaluate.negatives": 5}
    experiment.tables = experiment.workspace("tables", {}, [])
    experiment.prepare()
    return PeerQuality(experiment)


def test_a_peer_and_sasrec_are_measured_on_the_same_targets(
    quality: PeerQuality, tmp_path: Path
) -> None:
    quality.run_sasrec(1)
    for _ in range(2):  # the second finds it complete
        quality.run_peer("esasrec", SETTINGS, 1)
    assert (tmp_path / "ran").read_text() == "run\n"
    quality.run_peer("esasrec", SETTINGS | {"epochs": 4}, 1)
    assert (tmp_path / "ran").read_text() == "run\n" * 2  # with other settings it runs again
    result = quality.result(["esasrec"])
    assert result["ndcg@10"]["esasrec"]["mean"] == 1  # it knows the ring
    sasrec = result["ndcg@10"]["sasrec"]["mean"]
    assert 0 <= sasrec < 1
    pair = result["paired"]["sasrec-esasrec"]
    assert pair["mean"] == pytest.approx(sasrec - 1)
    assert pair["seeds"] == 1
    assert result["cost"]["esasrec"]["epochs"] == 4
    assert result["cost"]["sasrec"]["epochs"] == 2
    text = page(result)
    assert text.index("| sasrec ") < text.index("| esasrec ")  # worst first


def test_a_killed_training_of_ours_starts_over_and_a_complete_one_stays(
    quality: PeerQuality, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = quality.folder / "sasrec-1"
    (root / "cache").mkdir(parents=True)
    (root / "cache" / "half-trained").touch()
    quality.run_sasrec(1)
    assert not (root / "cache" / "half-trained").exists()
    first = quality.measured["sasrec"][1]
    monkeypatch.setattr(Workspace, "run_python", None)  # nothing may run
    quality.run_sasrec(1)
    assert np.array_equal(quality.measured["sasrec"][1], first)


def test_what_quality_has_evaluated_is_compared_under_the_name_of_its_shape(
    quality: PeerQuality, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = len(quality.histories.targets["test"].row)
    for seed in (1, 2):
        folder = quality.experiment.root / f"student_narrow-{seed}" / "metrics"
        folder.mkdir(parents=True)
        (folder / "evaluation.json").write_text("{}")

    def user_ndcg(run: Any) -> dict[str, np.ndarray]:
        return {"student": np.full(users, 0.5), "sasrec": np.zeros(users)}

    monkeypatch.setattr(peer_quality.SeedRun, "user_ndcg", user_ndcg)
    quality.read_evaluated([2, 3])
    assert {name: list(seeds) for name, seeds in quality.measured.items()} == {
        "student_narrow": [2],
        "sasrec": [2],
    }
    quality.run_peer("hstu", SETTINGS, 2)
    assert quality.result(["hstu"])["paired"]["student_narrow-hstu"]["mean"] == 0.5 - 1


def test_processor_seconds_are_those_of_the_processes_that_were_started() -> None:
    spin = [sys.executable, "-c", "sum(range(10_000_000))"]
    printed, cost = timed(lambda: peer_quality._output(spin, Path.cwd()))
    assert printed == ""
    assert cost["processor_seconds"] > 0.05
    assert cost["seconds"] > 0
    assert timed(lambda: None)[1]["processor_seconds"] == 0
    costs = [{"seconds": 1.0, "epochs": 3, "best_epoch": 2}, {"seconds": 2.0, "epochs": 5,
             "best_epoch": 2}]  # fmt: skip
    assert mean_cost(costs) == {"seconds": 1.5, "epochs": 4, "best_epoch": 2}


@pytest.mark.parametrize("peer", PEERS)
def test_every_set_has_the_settings_of_the_peer_in_one_shape(peer: str) -> None:
    for dataset in DATASETS:
        settings = peer_settings(peer, dataset)
        assert set(settings) == {"epochs", "patience", "arguments"}
        assert settings["arguments"]["session_max_len"] == 50
    layers = peer_settings("esasrec", "amazon-sports-classic")["arguments"]
    assert layers["transformer_layers_kwargs"] == {"ff_factors_multiplier": 2}
    assert layers["n_factors"] == 256


def test_the_command_line_names_peers_and_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["p", "amazon-sports-classic", "--peers", "hstu"])
    arguments = peer_quality.read_arguments()
    assert (arguments.peers, arguments.seeds, arguments.threads) == (["hstu"], [1, 2, 3], 1)
