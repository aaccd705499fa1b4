"""The teacher: a LLaMA-architecture decoder over the item vectors, trained on the next item."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import Histories, read_histories
from slmrec.models.champion import Begin, Champion
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import merge_layers
from slmrec.models.serialization import embedding_model, load_model, save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.pretrained.backbone import Backbone, open_backbone
from slmrec.pretrained.teacher import new_teacher
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import train
from slmrec.training.objectives import next_item_run
from slmrec.training.run import Curve, Watch

LAYERS = "layers.json"


def train_teacher(
    histories: Histories,
    item_embedding: ItemEmbedding,
    p: TrainTeacherParams,
    backbone: Backbone | None,
    device: torch.device,
    checkpoint: Checkpoint,
    watch: Watch | None = None,
    begin: Begin | None = None,
) -> tuple[LlamaRecommender, list[int] | None, Curve]:
    """Train a decoder over `item_embedding` until validation stops improving.

    `begin` is called with the new decoder, before anything is learnt. Returns a plain decoder,
    the backbone's layers that it has, counted from 1, and the curve. Of a decoder that went on from
    another one, `begin` knows the layers.
    """
    torch.manual_seed(p.seed)
    item_embedding.requires_grad_(p.item_vectors == "trained")
    teacher, layers = new_teacher(histories, item_embedding, p, backbone, begin)
    teacher = teacher.to(device)
    ndcg = SampledNdcg(histories, item_embedding, p.training.validation_targets, p.seed)
    run = next_item_run("teacher", teacher, ndcg, histories, p.training, p.seed, checkpoint, watch)
    curve = train(run)
    merge_layers(teacher)
    return teacher, layers, curve


def main(
    histories_dir: Path, item_vectors_dir: Path, champion_dir: Path, *, teacher_dir: Path
) -> None:
    """Train over the embedding of the item vectors; write the teacher, its layers and its curve."""
    device = start_training(ComputeParams.read())
    p = TrainTeacherParams.read()
    backbone = None if isinstance(p.backbone, DecoderParams) else open_backbone(p.backbone)
    files = sorted(set(backbone.files.values())) if backbone else []
    key = key_of([histories_dir, item_vectors_dir, champion_dir, *files], p)
    checkpoint = Checkpoint.of("train_teacher", key)
    item_embedding = load_model(embedding_model(item_vectors_dir)).item_embedding
    histories = read_histories(histories_dir)
    teacher, layers, curve = train_teacher(
        histories,
        item_embedding,
        p,
        backbone,
        device,
        checkpoint,
        begin=Champion.of(champion_dir, histories).start("teacher", "teacher"),
    )
    with new_folder(teacher_dir) as folder:
        save_model(teacher, folder)
        write_json(folder / "curve.json", curve)
        if layers is None:
            shutil.copyfile(champion_dir / "teacher" / LAYERS, folder / LAYERS)
        else:
            write_json(folder / LAYERS, {"kept": layers})
    checkpoint.clear()


if __name__ == "__main__":
    run_stage(main)
