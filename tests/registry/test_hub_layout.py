"""What goes to a hub: a card that it reads, a bundle that still verifies, and no history."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from slmrec.core.errors import BundleError
from slmrec.registry.hub_layout import figures_of, lay_out
from slmrec.registry.store import Registry
from slmrec.registry.version import FIRST
from slmrec.runtime import verify


def test_the_repository_holds_a_card_and_a_bundle_that_verifies_and_no_history(
    published: Registry, tmp_path: Path
) -> None:
    lay_out(published, FIRST, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "README.md", "bundle", "student", "verdict.json", "verdict.html", "record.json",
    }  # fmt: skip
    assert not list(tmp_path.rglob("*recorded*"))
    assert verify(tmp_path / "bundle", "cpu", 1).max_difference == 0.0
    card = ModelCard.load(tmp_path / "README.md")
    assert card.data.model_name == "slmrec 1.0.0"
    assert card.data.library_name == "onnx"
    figures = figures_of(published.metrics(FIRST)["models"])
    assert figures["ndcg@10"] > 0
    measured = {result.metric_type: result.metric_value for result in card.data.eval_results or []}
    assert measured == figures
    text = (published.bundle_dir(FIRST) / "MODEL_CARD.md").read_text()
    assert card.text.strip() == text.strip()


def test_a_damaged_bundle_goes_nowhere(published: Registry, tmp_path: Path) -> None:
    damaged = Registry(Path(shutil.copytree(published.folder, tmp_path / "copy", symlinks=True)))
    model = damaged.bundle_dir(FIRST) / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    (target := tmp_path / "target").mkdir()
    with pytest.raises(BundleError, match=r"model\.onnx was altered"):
        lay_out(damaged, FIRST, target)
    assert not list(target.iterdir())
