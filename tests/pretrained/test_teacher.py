"""A new teacher is a decoder from scratch or a pretrained one, and learns as either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.models.serialization import load_model, save_model
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import FolderParams, TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.pretrained.teacher import new_teacher
from slmrec.stages.train_teacher import train_teacher
from tests.support.histories import TRAINING, ring_histories
from tests.support.llm import INPUTS, ITEMS, decoder_settings, folder_params

LORA = {
    "kind": "lora",
    "rank": 2,
    "alpha": 4,
    "dropout": 0.0,
    "targets": ["gate_proj", "up_proj", "down_proj"],
}
RING = ring_histories(60, ITEMS - 2, 8)


def teacher_params(backbone: DecoderParams | FolderParams) -> TrainTeacherParams:
    return TrainTeacherParams(
        seed=1,
        backbone=backbone,
        dropout=0.25,
        layer_drop=0.125,
        item_vectors="trained",
        training=TRAINING,
    )


def test_a_teacher_from_scratch_has_all_layers_of_its_shape() -> None:
    shape = DecoderParams(
        kind="config", layers=3, width=16, heads=2, key_value_heads=2, feed_forward=24
    )
    embedding = decoder_settings().item_embedding
    teacher, layers = new_teacher(RING, embedding, teacher_params(shape), None)
    assert layers == [1, 2, 3]
    assert teacher.shape.width == 16
    assert teacher.item_embedding is embedding
    assert (teacher.dropout.p, teacher.layer_drop, teacher.max_length) == (0.25, 0.125, 8)


def test_a_pretrained_teacher_has_the_layers_of_its_cut_and_is_ready_for_its_tuning(
    llm_dir: Path,
) -> None:
    cut = {"rule": "least_change", "layers": 2, "windows": 5}
    p = teacher_params(folder_params(llm_dir, cut=cut, tuning=LORA))
    embedding = decoder_settings().item_embedding
    backbone = open_backbone(folder_params(llm_dir))
    teacher, layers = new_teacher(RING, embedding, p, backbone)
    assert layers is not None and len(layers) == len(teacher.layers) == 2
    assert any("lora_" in name for name, _ in teacher.named_parameters())
    assert (teacher.dropout.p, teacher.layer_drop, teacher.max_length) == (0.25, 0.125, 8)


@pytest.mark.parametrize("tuning", [{"kind": "full"}, LORA], ids=["full", "lora"])
def test_a_pretrained_teacher_learns_the_ring_and_ends_as_a_plain_decoder(
    llm_dir: Path, tmp_path: Path, tuning: dict[str, Any]
) -> None:
    torch.set_num_threads(1)
    backbone = folder_params(
        llm_dir, cut={"rule": "first", "layers": 2}, tuning=tuning, prompt="then bought"
    )
    training = TRAINING.model_copy(update={"epochs": 10, "patience": 10})
    changes = {"dropout": 0.0, "layer_drop": 0.0, "training": training}
    teacher, layers, curve = train_teacher(
        RING,
        decoder_settings().item_embedding,
        teacher_params(backbone).model_copy(update=changes),
        open_backbone(folder_params(llm_dir)),
        torch.device("cpu"),
        Checkpoint(tmp_path / "c.safetensors"),
    )
    assert layers == [1, 2]
    assert curve[-1]["valid_ndcg@10"] > 0.9
    save_model(teacher, tmp_path / "teacher")
    torch.testing.assert_close(load_model(tmp_path / "teacher")(INPUTS), teacher.eval()(INPUTS))
