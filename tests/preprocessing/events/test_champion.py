"""The champion's models are handed on where they know these items by these numbers."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from slmrec.core.trained_on import TrainedOn, digest_of, read_trained_on
from slmrec.preprocessing.events.champion import hand_on_champion

IDS = ["a", "b", "c"]
MODEL = "item_vectors/sasrec"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A data version's models, of three items."""
    folder = tmp_path / "index" / "champion"
    (folder / MODEL).mkdir(parents=True)
    (folder / MODEL / "model.safetensors").write_bytes(b"weights")
    TrainedOn("1.0.1", "temporal", 7, len(IDS), digest_of(IDS)).write(folder)
    return folder


def handed_on(source: Path, ids: list[str]) -> list[str]:
    """The models listed, which are also those that lie there."""
    target = source.parents[1] / "champion"
    hand_on_champion(source, pl.Series("item", ids, dtype=pl.String), target)
    listed: list[str] = json.loads((target / "models.json").read_text())["models"]
    assert sorted(path.parent for path in target.rglob("*.safetensors")) == [
        target / name for name in listed
    ]
    return listed


def test_models_are_handed_on_with_what_they_were_trained_on(source: Path) -> None:
    assert handed_on(source, [*IDS, "new"]) == [MODEL]
    assert read_trained_on(source.parents[1] / "champion") == read_trained_on(source)


def test_models_of_other_numbers_are_left_aside_and_it_is_said(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert handed_on(source, ["a", "c", "b", "new"]) == []
    assert (
        "is left aside, since the models of version 1.0.1 number their 3 items otherwise than "
        "these 4; trainings start anew"
    ) in capsys.readouterr().err
    assert read_trained_on(source.parents[1] / "champion") is None


def test_models_of_unknown_descent_are_left_aside_and_it_is_said(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "trained_on.json").unlink()
    assert handed_on(source, IDS) == []
    assert "nothing says what its models were trained on" in capsys.readouterr().err


def test_without_models_the_list_is_empty(source: Path) -> None:
    assert handed_on(source.with_name("none"), IDS) == []
