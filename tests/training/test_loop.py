"""The training loop learns, stops, resumes to the same bytes and refuses nonsense."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from slmrec.core.errors import TrainingError
from slmrec.core.files import sha256_of
from slmrec.core.fingerprint import key_of
from slmrec.models.serialization import save_model
from slmrec.training.loop import Run, train
from tests.support.histories import TRAINING
from tests.support.project import ROOT
from tests.support.training import ring_run


def train_and_save(checkpoint: Path, folder: Path) -> str:
    run = ring_run(checkpoint)
    train(run)
    save_model(run.trained, folder)  # type: ignore[arg-type]
    return sha256_of(folder / "model.safetensors")


def test_a_ring_is_learned_and_every_epoch_is_recorded(tmp_path):
    curve = train(ring_run(tmp_path / "c.safetensors", epochs=12, patience=12))
    assert len(curve) == 12
    assert curve[-1]["valid_ndcg@10"] > 0.95 > curve[0]["valid_ndcg@10"]
    assert curve[-1]["ranking"] < curve[0]["ranking"] / 2


def test_training_stops_when_validation_stops_improving(tmp_path):
    run = ring_run(tmp_path / "c.safetensors", epochs=40, patience=2)
    qualities = iter([0.1, 0.3, 0.2, 0.3, 0.9])
    stopping = Run(**{**vars(run), "validate": lambda: next(qualities)})
    assert [record["valid_ndcg@10"] for record in train(stopping)] == [0.1, 0.3, 0.2, 0.3]


def test_the_weights_of_the_best_epoch_are_left_in_place(tmp_path):
    run = ring_run(tmp_path / "c.safetensors", patience=3)
    weights = []

    def validate() -> float:
        weights.append(run.trained.item_embedding.ids.detach().clone())  # type: ignore[union-attr, operator]
        return [0.5, 0.9, 0.1][len(weights) - 1]

    train(Run(**{**vars(run), "validate": validate}))
    assert torch.equal(run.trained.item_embedding.ids, weights[1])  # type: ignore[union-attr, arg-type]


def test_nan_in_a_loss_stops_with_step_term_and_windows(tmp_path):
    run = ring_run(tmp_path / "c.safetensors")
    broken = Run(
        **{
            **vars(run),
            "objective": lambda batch: {"ranking": run.objective(batch)["ranking"] * float("nan")},
        }
    )
    with pytest.raises(TrainingError, match=r"term ranking is nan at step 0 \(windows"):
        train(broken)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    first = train_and_save(tmp_path / "a.safetensors", tmp_path / "first")
    assert first == train_and_save(tmp_path / "b.safetensors", tmp_path / "second")


@pytest.mark.parametrize("step", [1, 4, 11])
def test_a_run_killed_at_a_step_resumes_and_ends_with_the_same_bytes(tmp_path, step):
    undisturbed = train_and_save(tmp_path / "a.safetensors", tmp_path / "undisturbed")
    program = f"""
import os, signal
from pathlib import Path
from tests.support.training import ring_run
from slmrec.training import Run, train
run = ring_run(Path({str(tmp_path / "b.safetensors")!r}))
steps = 0
def objective(batch):
    global steps
    steps += 1
    if steps > {step}:
        os.kill(os.getpid(), signal.SIGKILL)
    return run.objective(batch)
train(Run(**{{**vars(run), "objective": objective}}))
"""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert train_and_save(tmp_path / "b.safetensors", tmp_path / "resumed") == undisturbed


def test_a_damaged_checkpoint_is_left_out_and_training_starts_over(tmp_path, capsys):
    undisturbed = train_and_save(tmp_path / "a.safetensors", tmp_path / "undisturbed")
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:1000])
    assert train_and_save(tmp_path / "b.safetensors", tmp_path / "again") == undisturbed
    assert "is damaged" in capsys.readouterr().out


def test_a_checkpoint_key_changes_with_inputs_and_settings(tmp_path):
    (tmp_path / "input").write_text("a")
    key = key_of([tmp_path / "input"], TRAINING)
    assert key == key_of([tmp_path / "input"], TRAINING)
    assert key != key_of([tmp_path / "input"], TRAINING.model_copy(update={"epochs": 9}))
    (tmp_path / "input").write_text("b")
    assert key != key_of([tmp_path / "input"], TRAINING)
