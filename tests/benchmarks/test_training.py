"""The training benchmark keeps finished runs and sums up seeds."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import training
from benchmarks.datasets import Sequences, read_sequences
from benchmarks.settings import Settings, embed_items_params, merged, read_settings
from benchmarks.training import measure, over_seeds, read_text, run_once
from slmrec.core.files import read_json

SMALL = {
    "width": 8,
    "feed_forward": 8,
    "max_length": 6,
    "training": {
        "epochs": 1,
        "positions_per_batch": 64,
        "loss": {"kind": "softmax", "scores_at_once": 1000},
    },
}


def small_settings() -> Settings:
    return merged(read_settings("amazon-beauty-classic", []), SMALL)


@pytest.fixture
def dataset_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty users who walk a ring of twelve items."""
    monkeypatch.setattr(training, "CACHE", tmp_path / "cache")
    folder = tmp_path / "ring"
    folder.mkdir()
    lines = [
        f"{user} " + " ".join(str((user + step) % 12) for step in range(5 + user % 4))
        for user in range(30)
    ]
    (folder / "sequences.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_a_run_is_trained_once_and_has_test_figures(
    dataset_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = run_once(dataset_dir, "sasrec", 1, small_settings(), tune=False)
    assert figures["epochs"] == 1
    assert 0 <= figures["test"]["ndcg@10"] <= figures["test"]["hr@10"] <= 1
    monkeypatch.setattr(training, "embed_items", None)  # a second training would fail
    assert run_once(dataset_dir, "sasrec", 1, small_settings(), tune=False) == figures


def test_other_settings_are_another_run_and_tuning_keeps_off_the_test_targets(
    dataset_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = run_once(dataset_dir, "sasrec", 1, small_settings(), tune=True)
    assert "test" not in tuned
    monkeypatch.setattr(training, "train_and_test", lambda *_: {"trained": "again"})
    changed = small_settings() | {"dropout": 0.1}
    assert run_once(dataset_dir, "sasrec", 1, changed, tune=True) == {"trained": "again"}
    assert run_once(dataset_dir, "sasrec", 1, small_settings(), tune=True) == tuned


def test_mean_and_spread_over_seeds() -> None:
    figures = over_seeds([{"ndcg@10": 0.1}, {"ndcg@10": 0.3}])
    # The standard deviation of two values is their distance over the square root of 2.
    expected = {"mean": pytest.approx(0.2), "spread": pytest.approx(0.2 / 2**0.5)}
    assert figures == {"ndcg@10": expected}
    assert over_seeds([{"ndcg@10": 0.1}])["ndcg@10"]["spread"] == 0


def test_titles_are_encoded_only_where_the_settings_ask_for_text(
    dataset_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = torch.ones(14, 3)
    monkeypatch.setattr(training, "title_vectors", lambda *_: vectors)
    sequences: Sequences = read_sequences(dataset_dir)
    assert read_text(sequences, embed_items_params(small_settings())) is None
    text = {"encoders": ["minilm"], "hidden_ids": 0.1, "new_items_may_cost": 0.0}
    assert read_text(sequences, embed_items_params(small_settings() | {"text": text})) is vectors


def test_results_are_written_unless_settings_are_being_tuned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_in(
        dataset_dir: Path, model: str, seed: int, settings: Settings, *, tune: bool
    ) -> dict[str, Any]:
        return {"valid_ndcg@10": 0.5} | ({} if tune else {"test": {"ndcg@10": seed / 10}})

    monkeypatch.setattr(training, "run_once", stand_in)
    monkeypatch.setattr(training, "RESULTS", tmp_path)
    p = Namespace(
        dataset="steam-100k", set=[], models=["sasrec"], seeds=[1, 2], tune=True, data=tmp_path,
        threads=1,
    )  # fmt: skip
    measure(p)
    assert not list(tmp_path.iterdir())
    p.tune = False
    measure(p)
    result = read_json(tmp_path / "training-steam-100k.json")
    mean = result["models"]["sasrec"]["test"]["ndcg@10"]["mean"]
    assert mean == pytest.approx((0.1 + 0.2) / 2)
