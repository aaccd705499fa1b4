"""The teacher starts from the item vectors and is left as a plain decoder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json, write_json
from slmrec.dataset.histories import read_histories
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.serialization import load_decoder, load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.stages.train_teacher import main, train_teacher
from slmrec.training.device import start_torch
from tests.support.small_pipeline import HISTORIES, ITEM_VECTORS, TEACHER


def item_vectors() -> ItemEmbedding:
    return load_model(ITEM_VECTORS / "sasrec").item_embedding


def test_the_teacher_lies_beside_its_layers_and_its_curve(trained: Path) -> None:
    assert len(load_decoder(TEACHER).layers) == 2
    assert read_json(TEACHER / "layers.json") == {"kept": [1, 2]}
    curve = read_json(TEACHER / "curve.json")
    assert [record["epoch"] for record in curve] == [1, 2]
    assert curve[1]["ranking"] < curve[0]["ranking"]


@pytest.mark.parametrize(("kind", "changed"), [("trained", True), ("frozen", False)])
def test_frozen_item_vectors_stay_what_they_were_and_trained_ones_do_not(
    trained: Path, kind: str, changed: bool
) -> None:
    p = TrainTeacherParams.read().model_copy(update={"item_vectors": kind})
    histories, checkpoint = read_histories(HISTORIES), Checkpoint(trained / "c.safetensors")
    device = start_torch(ComputeParams.read())
    teacher, layers, _ = train_teacher(histories, item_vectors(), p, None, device, checkpoint)
    assert layers == [1, 2]
    same = torch.equal(teacher.item_embedding.folded(), item_vectors().folded())
    assert same != changed


def test_the_same_seed_gives_the_same_teacher(trained: Path) -> None:
    histories, device = read_histories(HISTORIES), start_torch(ComputeParams.read())
    checkpoint = Checkpoint(trained / "c.safetensors")
    p = TrainTeacherParams.read()
    again, _, _ = train_teacher(histories, item_vectors(), p, None, device, checkpoint)
    saved = load_decoder(TEACHER).state_dict()
    assert all(torch.equal(weight, saved[name]) for name, weight in again.state_dict().items())


def test_a_teacher_that_goes_on_has_the_layers_of_the_champion(trained: Path) -> None:
    champion = trained / "champion" / "teacher"
    shutil.copytree(TEACHER, champion)
    # As another choice of layers of the same number would have written it.
    write_json(champion / "layers.json", {"kept": [1, 3]})
    main(HISTORIES, ITEM_VECTORS, champion.parent, teacher_dir=trained / "again")
    assert read_json(trained / "again" / "layers.json") == {"kept": [1, 3]}
