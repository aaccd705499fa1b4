"""The published version's models in a clone's data, laid out as trainings look for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from flows.champion import bring_champion, champion_folder
from slmrec.core.trained_on import TrainedOn, digest_of, read_trained_on
from tests.support.project import ROOT

SERVED = "student_narrow"
ITEMS = list(enumerate(["b", "a"]))


def write_version(folder: Path) -> Path:
    """A version with models, curves and what it was made from, at a path."""
    for name in ("item_vectors/sasrec", "ensemble/7", "teacher", "student"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.safetensors").write_text(name)
        (folder / name / "curve.json").write_text("{}")
    (folder / "bundle").mkdir()
    items = ({"index": 2 + n, "item": item, "title": None, "status": "active"} for n, item in ITEMS)
    (folder / "bundle" / "items.jsonl").write_text("".join(f"{json.dumps(i)}\n" for i in items))
    window = {"method": "temporal", "valid_from_us": 7}
    (folder / "record.json").write_text(json.dumps({"version": "1.2.0", "window": window}))
    (folder / "teacher" / "layers.json").write_text("layers")
    return folder


@pytest.fixture
def version(tmp_path: Path) -> Path:
    return write_version(tmp_path / "registry" / "1.2.0")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that serves the narrow student, with data."""
    folder = tmp_path / "clone"
    (folder / "data").mkdir(parents=True)
    text = (ROOT / "params.yaml").read_text()
    changed = text.replace("  model: student ", f"  model: {SERVED} ")
    assert changed != text
    (folder / "params.yaml").write_text(changed)
    return folder


def content(clone: Path) -> dict[str, str]:
    """Files of models below data/index/champion, and what they hold."""
    root = clone / "data" / "index" / "champion"
    files = (path for path in root.rglob("*") if path.is_file() and path.parent != root)
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def test_weights_alone_lie_where_a_training_looks_for_them(clone: Path, version: Path) -> None:
    bring_champion(clone, version)
    assert content(clone) == {
        "item_vectors/sasrec/model.safetensors": "item_vectors/sasrec",
        "ensemble/7/model.safetensors": "ensemble/7",
        "teacher/model.safetensors": "teacher",
        "teacher/layers.json": "layers",
        f"student/{SERVED}/model.safetensors": "student",
    }

    trained_on = read_trained_on(clone / "data" / "index" / "champion")
    ids = [item for _, item in ITEMS]
    assert trained_on == TrainedOn("1.2.0", "temporal", 7, 2, digest_of(ids))


def test_another_version_takes_the_place_of_the_last(clone: Path, version: Path) -> None:
    bring_champion(clone, version)
    shutil.rmtree(version / "ensemble")
    (version / "teacher" / "model.safetensors").write_text("newer")
    bring_champion(clone, version)
    assert content(clone)["teacher/model.safetensors"] == "newer"
    assert not any(name.startswith("ensemble") for name in content(clone))


def test_without_one_nothing_is_left(clone: Path, version: Path) -> None:
    bring_champion(clone, version)
    bring_champion(clone, None)
    assert content(clone) == {}


def test_the_version_that_serves_is_the_one_pointed_to(version: Path) -> None:
    registry = version.parent
    assert champion_folder(registry) is None
    (registry / "current").symlink_to("1.2.0")
    assert champion_folder(registry) == version
