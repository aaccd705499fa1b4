"""Two processes train as one does, a killed stage ends with the same bytes, and a shared batch weighs every position alike."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.core.files import read_json, sha256_of, sha256_of_folder
from slmrec.dataset.batches import make_batch
from tests.support.histories import ring_histories
from tests.support.project import change, environment, make_project, run

HISTORIES = ring_histories(30, 12, 8)


@pytest.mark.parametrize(("windows", "processes"), [(30, 2), (7, 3), (1, 2)])
def test_the_mean_over_processes_is_the_mean_over_all_positions(windows, processes):
    batch = make_batch(HISTORIES, np.arange(windows))
    figures = torch.arange(HISTORIES.items.max() + 1).float() ** 2
    shares = [batch.share(process, processes) for process in range(processes)]
    mean = (
        sum(weight * figures[part.targets[part.real]].mean() for part, weight in shares) / processes
    )
    torch.testing.assert_close(mean, figures[batch.targets[batch.real]].mean())
    assert sorted(
        row for part, weight in shares if weight for row in part.windows.tolist()
    ) == list(range(windows))


EMBED = (
    "slmrec.stages.embed_items",
    "artifacts/events",
    "artifacts/histories",
    "artifacts/item_vectors",
    "artifacts/ensemble",
)


@pytest.fixture(scope="module")
def split_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose logs are split, ready to train on."""
    project = make_project(tmp_path_factory.mktemp("split") / "project")
    change(project / "params.yaml", "compute.threads", 1)
    change(project / "params.yaml", "embed_items.training.epochs", 4)
    change(project / "params.yaml", "embed_items.training.positions_per_batch", 200)
    change(project / "params.yaml", "embed_items.training.checkpoint_seconds", 0.001)
    run(project, "dvc", "repro", "split")
    return project


@pytest.mark.acceptance
def test_two_processes_have_the_losses_of_one(split_project):
    file = split_project / "params.yaml"
    old = {key: change(file, key, 0.0) for key in ("embed_items.dropout",)}
    curves = {}
    for kind in ("softmax", "sampled_softmax", "gbce"):
        change(file, "embed_items.training.loss", LOSSES[kind])
        for processes in (1, 2):
            change(file, "compute.processes", processes)
            run(split_project, *EMBED)
            curves[processes] = read_json(
                split_project / "artifacts/item_vectors/sasrec/curve.json"
            )
        for one, two in zip(curves[1], curves[2], strict=True):
            assert two["ranking"] == pytest.approx(one["ranking"], rel=1e-4), kind
    for key, value in {
        **old,
        "compute.processes": 1,
        "embed_items.training.loss": LOSSES["softmax"],
    }.items():
        change(file, key, value)


LOSSES = {
    "softmax": {"kind": "softmax", "scores_at_once": 8_000_000},
    "sampled_softmax": {
        "kind": "sampled_softmax",
        "negatives": 20,
        "uniform_share": 0.5,
        "rows": "all",
    },
    "gbce": {"kind": "gbce", "negatives": 20, "calibration": 0.75, "rows": "all"},
}


@pytest.mark.acceptance
def test_a_member_of_the_ensemble_is_the_model_that_its_seed_makes(split_project):
    file, artifacts = split_project / "params.yaml", split_project / "artifacts"
    before = file.read_text()
    change(file, "embed_items.ensemble_seeds", [7, 8])
    run(split_project, *EMBED)
    assert read_json(artifacts / "ensemble/members.json") == {"members": [1, 7, 8]}
    members = {seed: sha256_of(artifacts / f"ensemble/{seed}/model.safetensors") for seed in (1, 7)}
    file.write_text(before)
    for seed in (7, 1):  # leaves the seed as it was
        change(file, "embed_items.seed", seed)
        run(split_project, *EMBED)
        assert sha256_of(artifacts / "item_vectors/sasrec/model.safetensors") == members[seed]
    assert members[1] != members[7]
    assert read_json(artifacts / "ensemble/members.json") == {"members": []}


@pytest.mark.acceptance
def test_a_stage_killed_at_five_points_ends_with_the_same_bytes(split_project):
    vectors = split_project / "artifacts/item_vectors"
    run(split_project, *EMBED)
    undisturbed = sha256_of_folder(vectors, "*")
    subprocess.run(["rm", "-r", vectors], check=True)
    chance, resumed = random.Random(5), 0
    for _kill in range(5):
        resumed += killed_after(split_project, steps=chance.randint(1, 6))
    assert not vectors.exists()
    run(split_project, *EMBED)
    assert resumed >= 4  # each but the first went on from a checkpoint
    assert sha256_of_folder(vectors, "*") == undisturbed


def killed_after(project: Path, steps: int) -> bool:
    """Start the stage, kill it once its checkpoint was replaced `steps` times; whether it had gone on from one."""
    folder = project / ".cache/checkpoints/embed_items"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", *EMBED],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    seen: set[int] = set()
    while len(seen) < steps + 1:
        assert process.poll() is None, "the stage ended before it could be killed"
        seen |= (
            {file.stat().st_mtime_ns for file in folder.glob("*.safetensors")}
            if folder.exists()
            else set()
        )
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    return "resumed" in process.communicate()[0]
