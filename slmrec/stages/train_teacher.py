"""The teacher: a LLaMA-architecture decoder over the item vectors, from scratch or an LLM cut to depth, trained on the next item."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import Batch, sampled_windows
from slmrec.dataset.histories import Histories, read_histories
from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import merge_layers, prepare_layers
from slmrec.models.serialization import embedding_model, load_model, save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.pretrained.backbone import Backbone, open_backbone
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import Curve, Run, train
from slmrec.training.losses.next_item import NextItemLoss


def new_teacher(
    histories: Histories,
    item_embedding: ItemEmbedding,
    p: TrainTeacherParams,
    backbone: Backbone | None,
) -> tuple[LlamaRecommender, list[int]]:
    """An untrained teacher over `table`, and which of the backbone's layers it kept; from scratch it keeps its own."""
    settings = DecoderSettings(item_embedding, p.dropout, p.layer_drop, histories.protocol.max_length)
    if isinstance(p.backbone, DecoderParams):
        return new_decoder(
            item_embedding, p.backbone, p.dropout, p.layer_drop, settings.max_length
        ), list(range(1, p.backbone.layers + 1))
    assert backbone is not None
    teacher, kept = pretrained_decoder(
        backbone, p.backbone, settings, partial(sampled_windows, histories, seed=p.seed)
    )
    prepare_layers(teacher, p.backbone.tuning)
    return teacher, kept


def train_teacher(
    histories: Histories,
    item_embedding: ItemEmbedding,
    p: TrainTeacherParams,
    backbone: Backbone | None,
    device: torch.device,
    checkpoint: Checkpoint,
) -> tuple[LlamaRecommender, list[int], Curve]:
    """Train a decoder over `table` until validation stops improving; a frozen table keeps its vectors.

    Returns a plain decoder, which of the backbone's layers it has, and the curve.
    """
    torch.manual_seed(p.seed)
    item_embedding.requires_grad_(p.item_vectors == "trained")
    teacher, kept = new_teacher(histories, item_embedding, p, backbone)
    teacher = teacher.to(device)
    ranking = NextItemLoss(teacher.item_embedding, p.training.loss, histories)
    validation = SampledNdcg(histories, item_embedding, p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {
            "ranking": ranking.loss(batch.at_real(teacher(batch.items)), batch.targets[batch.real])
        }

    run = Run(
        "teacher",
        teacher,
        objective,
        {"ranking": 1.0},
        lambda: validation(teacher),
        histories,
        p.training,
        p.seed,
        checkpoint,
    )
    curve = train(run)
    merge_layers(teacher)
    return teacher, kept, curve


def main(histories: Path, item_vectors: Path, *, teacher: Path) -> None:
    """Train on `histories` from the table of `item_vectors`; write the model, its layers' origin and its validation curve to `teacher`."""
    device = start_training(ComputeParams.read())
    p = TrainTeacherParams.read()
    backbone = None if isinstance(p.backbone, DecoderParams) else open_backbone(p.backbone)
    pretrained = sorted(set(backbone.files.values())) if backbone else []
    checkpoint = Checkpoint.of("train_teacher", key_of([histories, item_vectors, *pretrained], p))
    item_embedding = load_model(embedding_model(item_vectors)).item_embedding
    model, kept, curve = train_teacher(
        read_histories(histories), item_embedding, p, backbone, device, checkpoint
    )
    with new_folder(teacher) as folder:
        save_model(model, folder)
        write_json(folder / "curve.json", curve)
        write_json(folder / "layers.json", {"kept": kept})
    checkpoint.clear()


if __name__ == "__main__":
    run_stage(main)
