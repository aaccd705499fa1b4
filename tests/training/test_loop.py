"""The training loop learns, stops, resumes to the same bytes and refuses nonsense."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from slmrec.core.errors import TrainingError
from slmrec.core.files import sha256_of
from slmrec.dataset.batches import Batch, make_batch
from slmrec.dataset.batching import batches_of_epoch
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.params.training import GbceLoss, SampledSoftmaxLoss
from slmrec.training.loop import Trainer, train
from slmrec.training.run import Curve, TrainingRun
from tests.support.project import ROOT
from tests.support.training import HISTORIES, ring_run

SAMPLED = SampledSoftmaxLoss(
    kind="sampled_softmax", negatives=40, uniform_share=0.5, rows="touched"
)


def sasrec_of(run: TrainingRun) -> SASRec:
    assert isinstance(run.trained, SASRec)
    return run.trained


def train_and_save(checkpoint_path: Path, model_dir: Path) -> str:
    run = ring_run(checkpoint_path)
    train(run)
    save_model(sasrec_of(run), model_dir)
    return sha256_of(model_dir / "model.safetensors")


def test_a_ring_is_learned_and_every_epoch_is_recorded(tmp_path: Path) -> None:
    curve = train(ring_run(tmp_path / "c.safetensors", epochs=12, patience=12))
    assert [record["epoch"] for record in curve] == list(range(1, 13))
    assert curve[-1]["valid_ndcg@10"] > 0.95 > curve[0]["valid_ndcg@10"]
    assert curve[-1]["ranking"] < curve[0]["ranking"] / 2


@pytest.mark.parametrize("rows", ["touched", "all"])
def test_a_ring_is_learned_against_sampled_negatives(tmp_path: Path, rows: str) -> None:
    loss, path = SAMPLED.model_copy(update={"rows": rows}), tmp_path / "c.safetensors"
    curve = train(ring_run(path, loss=loss, epochs=12, patience=12, checkpoint_seconds=60))
    assert curve[-1]["valid_ndcg@10"] > 0.95


def test_a_ring_is_learned_with_gbce(tmp_path: Path) -> None:
    loss = GbceLoss(kind="gbce", negatives=8, calibration=0.0, rows="all")
    path = tmp_path / "c.safetensors"
    curve = train(ring_run(path, loss=loss, epochs=40, patience=40, checkpoint_seconds=60))
    assert curve[-1]["valid_ndcg@10"] > 0.95


def test_training_stops_when_validation_stops_improving(tmp_path: Path) -> None:
    qualities = iter([0.1, 0.3, 0.2, 0.3, 0.9])
    run = ring_run(tmp_path / "c.safetensors", epochs=40, patience=2)
    curve = train(replace(run, validate=lambda: next(qualities)))
    assert [record["valid_ndcg@10"] for record in curve] == [0.1, 0.3, 0.2, 0.3]


def test_the_weights_of_the_best_epoch_are_left_in_place(tmp_path: Path) -> None:
    run = ring_run(tmp_path / "c.safetensors", patience=3)
    ids = sasrec_of(run).item_embedding.ids
    weights: list[Tensor] = []

    def validate() -> float:
        weights.append(ids.detach().clone())
        return [0.5, 0.9, 0.1][len(weights) - 1]

    train(replace(run, validate=validate))
    assert torch.equal(ids, weights[1]) and not torch.equal(ids, weights[2])


def test_a_watch_sees_every_epoch_and_changes_no_byte(tmp_path: Path) -> None:
    unwatched = train_and_save(tmp_path / "a.safetensors", tmp_path / "unwatched")
    seen: list[list[float]] = []
    run = replace(
        ring_run(tmp_path / "b.safetensors"), watch=lambda curve: seen.append(ndcg(curve))
    )
    curve = train(run)
    save_model(sasrec_of(run), tmp_path / "watched")
    assert sha256_of(tmp_path / "watched" / "model.safetensors") == unwatched
    assert seen == [ndcg(curve)[:epoch] for epoch in range(1, len(curve) + 1)]


def ndcg(curve: Curve) -> list[float]:
    return [record["valid_ndcg@10"] for record in curve]


def test_a_run_that_its_watch_ends_goes_on_from_there_to_the_same_bytes(tmp_path: Path) -> None:
    undisturbed = train_and_save(tmp_path / "a.safetensors", tmp_path / "undisturbed")
    run = ring_run(tmp_path / "b.safetensors", checkpoint_seconds=1e9)

    def end(curve: Curve) -> None:
        raise StopIteration(len(curve))

    with pytest.raises(StopIteration, match="1"):
        train(replace(run, watch=end))
    assert train_and_save(tmp_path / "b.safetensors", tmp_path / "resumed") == undisturbed


def with_nan(objective: Callable[[Batch], dict[str, Tensor]]) -> Callable[..., dict[str, Tensor]]:
    return lambda batch: {"ranking": objective(batch)["ranking"] * float("nan")}


def test_nan_in_a_loss_stops_with_step_part_and_windows(tmp_path: Path) -> None:
    run = ring_run(tmp_path / "c.safetensors")
    with pytest.raises(TrainingError, match=r"ring: term ranking is nan at step 0 \(windows"):
        train(replace(run, objective=with_nan(run.objective)))
    assert not (tmp_path / "c.safetensors").exists()


def test_a_curve_holds_the_mean_of_each_part_over_the_steps_of_its_epoch(tmp_path: Path) -> None:
    run = ring_run(tmp_path / "c.safetensors", epochs=1)
    values: list[float] = []

    def objective(batch: Batch) -> dict[str, Tensor]:
        losses = run.objective(batch)
        values.append(losses["ranking"].item())
        return losses

    [record] = train(replace(run, objective=objective))
    assert record["ranking"] == pytest.approx(sum(values) / len(values), rel=1e-6)


def test_the_loss_shown_so_far_is_weighted_and_a_mean_over_steps(tmp_path: Path) -> None:
    run = ring_run(tmp_path / "c.safetensors")
    trainer = Trainer(replace(run, loss_weights={"ranking": 3.0}))
    assert trainer.mean_loss() == 0
    batches = batches_of_epoch(HISTORIES, run.p.positions_per_batch, run.seed, 0)
    for rows in batches[:2]:
        trainer.take_step(make_batch(HISTORIES, rows))
    assert trainer.mean_loss() == pytest.approx(3 * trainer.state.sums["ranking"] / 2)
    assert (trainer.state.step, trainer.state.steps) == (2, 2)
    assert trainer.total_steps == len(batches) * run.p.epochs


def test_each_step_has_the_learning_rate_of_the_schedule(tmp_path: Path) -> None:
    trainer = Trainer(ring_run(tmp_path / "c.safetensors"))
    rates = []
    for rows in batches_of_epoch(HISTORIES, trainer.run.p.positions_per_batch, 1, 0)[:3]:
        trainer.take_step(make_batch(HISTORIES, rows))
        rates.append(trainer.optimizers[0].param_groups[0]["lr"])
    assert rates == pytest.approx([0.01 * 1 / 5, 0.01 * 2 / 5, 0.01 * 3 / 5])  # 5 to warm up


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = train_and_save(tmp_path / "a.safetensors", tmp_path / "first")
    assert first == train_and_save(tmp_path / "b.safetensors", tmp_path / "second")


KILLED = """
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from tests.support.training import ring_run
from slmrec.training.loop import train
run, last, steps = ring_run(Path(sys.argv[1])), int(sys.argv[2]), 0
def objective(batch):
    global steps
    steps += 1
    if steps > last:
        os.kill(os.getpid(), signal.SIGKILL)
    return run.objective(batch)
train(replace(run, objective=objective))
"""


@pytest.mark.parametrize(
    "step",
    [1, *(pytest.param(step, marks=pytest.mark.acceptance) for step in (4, 11))],
)
def test_a_run_killed_at_a_step_resumes_and_ends_with_the_same_bytes(
    tmp_path: Path, step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = train_and_save(tmp_path / "a.safetensors", tmp_path / "undisturbed")
    checkpoint = tmp_path / "b.safetensors"
    command = [sys.executable, "-c", KILLED, str(checkpoint), str(step)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    killed = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert train_and_save(checkpoint, tmp_path / "resumed") == undisturbed
    assert "ring: resumed at epoch" in capsys.readouterr().out


def test_sampled_negatives_and_their_optimizer_resume_to_the_same_bytes(tmp_path: Path) -> None:
    def trained(path: Path, stops: int) -> Tensor:
        """Ids after the run, which is begun anew so many times on the way."""
        for _ in range(stops):
            run = ring_run(path, loss=SAMPLED)
            trainer = Trainer(run)
            trainer.resume()
            rows = batches_of_epoch(HISTORIES, run.p.positions_per_batch, run.seed, 0)
            trainer.take_step(make_batch(HISTORIES, rows[trainer.state.step]))
            trainer.save()
        run = ring_run(path, loss=SAMPLED)
        train(run)
        return sasrec_of(run).item_embedding.ids.detach()

    undisturbed = trained(tmp_path / "a.safetensors", stops=0)
    assert torch.equal(trained(tmp_path / "b.safetensors", stops=2), undisturbed)


def test_a_damaged_checkpoint_is_left_out_and_training_starts_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = train_and_save(tmp_path / "a.safetensors", tmp_path / "undisturbed")
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:1000])
    assert train_and_save(tmp_path / "b.safetensors", tmp_path / "again") == undisturbed
    assert "is damaged" in capsys.readouterr().out
