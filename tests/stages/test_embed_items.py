"""SASRec and the further members of the ensemble, each what its seed makes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from slmrec.core.files import read_json, sha256_of, sha256_of_folder
from slmrec.models.low_pass import LowPassShape
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import load_model
from slmrec.stages import embed_items
from tests.support.logs import Workshop
from tests.support.project import change, environment, make_project, run
from tests.support.small_pipeline import (
    CHAMPION,
    ENSEMBLE,
    HISTORIES,
    ITEM_VECTORS,
    change_small_params,
)

EMBED = (
    "slmrec.stages.embed_items",
    "artifacts/events",
    "artifacts/histories",
    "artifacts/champion",
    "artifacts/item_vectors",
    "artifacts/ensemble",
)
LOSSES: dict[str, dict[str, Any]] = {
    "softmax": {"kind": "softmax", "scores_at_once": 8_000_000},
    "sampled_softmax": {
        "kind": "sampled_softmax",
        "negatives": 20,
        "uniform_share": 0.5,
        "rows": "all",
    },
    "gbce": {"kind": "gbce", "negatives": 20, "calibration": 0.75, "rows": "all"},
}


def weights_of(folder: Path) -> str:
    return sha256_of(folder / "model.safetensors")


def rerun(folder: Path, **changes: Any) -> None:
    """Run the stage with changed params."""
    change_small_params(Workshop(folder), **changes)
    embed_items.main(
        Path("events"), HISTORIES, CHAMPION, item_vectors_dir=ITEM_VECTORS, ensemble_dir=ENSEMBLE
    )


def test_the_model_lies_beside_its_curve_of_one_record_an_epoch(trained: Path) -> None:
    curve = read_json(ITEM_VECTORS / "sasrec" / "curve.json")
    assert [record["epoch"] for record in curve] == [1, 2]
    assert set(curve[0]) == {"epoch", "valid_ndcg@10", "ranking"}
    assert load_model(ITEM_VECTORS / "sasrec").max_length == 8


def test_the_ensemble_holds_the_model_itself_and_one_for_each_further_seed(trained: Path) -> None:
    assert read_json(ENSEMBLE / "members.json") == {"members": [1, 7]}
    assert weights_of(ENSEMBLE / "1") == weights_of(ITEM_VECTORS / "sasrec")
    assert weights_of(ENSEMBLE / "7") != weights_of(ENSEMBLE / "1")


def test_members_alone_have_the_filter(trained: Path) -> None:
    assert load_member("7").low_pass_shape == LowPassShape(share=0.4, span=3)
    assert load_member("1").low_pass_shape is None


def load_member(seed: str) -> SASRec:
    member = load_model(ENSEMBLE / seed)
    assert isinstance(member, SASRec)
    return member


def test_a_member_of_the_ensemble_is_the_model_that_its_seed_makes(trained: Path) -> None:
    rerun(trained, embed_items__ensemble_low_pass=None)
    member = weights_of(ENSEMBLE / "7")
    rerun(trained, embed_items__seed=7, embed_items__ensemble_seeds=[])
    assert weights_of(ITEM_VECTORS / "sasrec") == member
    assert read_json(ENSEMBLE / "members.json") == {"members": []}


def test_with_text_there_is_a_second_model_which_the_ensemble_is_made_of(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vectors(_table: Any, items: int, encoders: list[str]) -> torch.Tensor:
        assert encoders == ["minilm"]
        return torch.ones(items, 4)

    monkeypatch.setattr(embed_items, "title_vectors", vectors)
    text = {"encoders": ["minilm"], "hidden_ids": 0.1, "new_items_may_cost": 0.25}
    without_text = weights_of(ITEM_VECTORS / "sasrec")
    rerun(trained, embed_items__text=text)
    assert weights_of(ITEM_VECTORS / "sasrec") == without_text
    model = load_model(ITEM_VECTORS / "sasrec_text")
    assert model.item_embedding.text is not None
    assert model.item_embedding.hidden_ids == 0.1
    assert model.item_embedding.new_items_may_cost == 0.25
    assert weights_of(ENSEMBLE / "1") == weights_of(ITEM_VECTORS / "sasrec_text")


def test_a_finished_run_leaves_no_checkpoint(trained_project: Path) -> None:
    assert not list((trained_project / "cache").rglob("*embed_items*/*.safetensors"))


@pytest.fixture(scope="module")
def split_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project whose logs are split, ready to train on in processes of its own."""
    project = make_project(tmp_path_factory.mktemp("split") / "project")
    change(project / "params.yaml", "compute.threads", 1)
    change(project / "params.yaml", "embed_items.training.epochs", 4)
    change(project / "params.yaml", "embed_items.training.positions_per_batch", 200)
    change(project / "params.yaml", "embed_items.training.checkpoint_seconds", 0.001)
    run(project, "dvc", "repro", "split")
    return project


@pytest.mark.acceptance
@pytest.mark.parametrize("kind", LOSSES)
def test_two_processes_have_the_losses_of_one(split_project: Path, kind: str) -> None:
    file = split_project / "params.yaml"
    before = file.read_text()
    change(file, "embed_items.dropout", 0.0)
    change(file, "embed_items.training.loss", LOSSES[kind])
    curves = {}
    for processes in (1, 2):
        change(file, "compute.processes", processes)
        run(split_project, *EMBED)
        curves[processes] = read_json(split_project / "artifacts/item_vectors/sasrec/curve.json")
    file.write_text(before)
    for alone, shared in zip(curves[1], curves[2], strict=True):
        assert shared["ranking"] == pytest.approx(alone["ranking"], rel=1e-4)


@pytest.mark.acceptance
def test_a_stage_killed_at_five_points_ends_with_the_same_bytes(split_project: Path) -> None:
    item_vectors_dir = split_project / "artifacts/item_vectors"
    run(split_project, *EMBED)
    undisturbed = sha256_of_folder(item_vectors_dir, "*")
    shutil.rmtree(item_vectors_dir)
    draw, resumed = random.Random(5), 0
    for _kill in range(5):
        resumed += killed_after(split_project, checkpoints=draw.randint(1, 6))
    assert not item_vectors_dir.exists()
    run(split_project, *EMBED)
    assert resumed >= 4  # each but the first went on from a checkpoint
    assert sha256_of_folder(item_vectors_dir, "*") == undisturbed


def killed_after(project: Path, checkpoints: int) -> bool:
    """Start the stage and kill it after it wrote that many checkpoints; whether it had resumed."""
    folder = project / ".cache/checkpoints/embed_items"
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", *EMBED],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    times: set[int] = set()  # of the checkpoints seen, the one of the run before included
    while len(times) < checkpoints + 1:
        assert process.poll() is None, "the stage ended before it could be killed"
        if folder.exists():
            times |= {file.stat().st_mtime_ns for file in folder.glob("*.safetensors")}
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    return "resumed" in process.communicate()[0]
