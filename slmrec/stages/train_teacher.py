"""The teacher: a LLaMA-architecture decoder over the item vectors, from scratch or an LLM cut to depth, trained on the next item."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from slmrec.adapters import merge_layers, prepare_layers
from slmrec.backbones import Backbone, open_backbone
from slmrec.batches import Batch
from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_training
from slmrec.door import open_door
from slmrec.files import new_folder, write_json
from slmrec.histories import Histories, read_histories
from slmrec.item_table import ItemTable
from slmrec.model_params import ComputeParams, DecoderParams, TrainTeacherParams
from slmrec.models import embedding_model, load_model, new_decoder, save_model
from slmrec.pretrained import Frame, pretrained_decoder, sampled_windows
from slmrec.ranking import Ranking, Validation
from slmrec.recommender import Recommender
from slmrec.sections import read_section
from slmrec.training import Curve, Run, train


def new_teacher(histories: Histories, table: ItemTable, p: TrainTeacherParams, backbone: Backbone | None) -> tuple[Recommender, list[int]]:
    """An untrained teacher over `table`, and which of the backbone's layers it kept; from scratch it keeps its own."""
    frame = Frame(table, p.dropout, p.layer_drop, histories.protocol.max_length)
    if isinstance(p.backbone, DecoderParams):
        return new_decoder(table, p.backbone, p.dropout, p.layer_drop, frame.max_length), list(range(1, p.backbone.layers + 1))
    assert backbone is not None
    teacher, kept = pretrained_decoder(backbone, p.backbone, frame, partial(sampled_windows, histories, seed=p.seed))
    prepare_layers(teacher, p.backbone.tuning)
    return teacher, kept


def train_teacher(
    histories: Histories, table: ItemTable, p: TrainTeacherParams, backbone: Backbone | None, device: torch.device, checkpoint: Checkpoint
) -> tuple[Recommender, list[int], Curve]:
    """Train a decoder over `table` until validation stops improving; a frozen table keeps its vectors.

    Returns a plain decoder, which of the backbone's layers it has, and the curve.
    """
    torch.manual_seed(p.seed)
    table.requires_grad_(p.item_vectors == "trained")
    teacher, kept = new_teacher(histories, table, p, backbone)
    teacher = teacher.to(device)
    ranking = Ranking(teacher.table, p.training.loss, histories)
    validation = Validation(histories, table, p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {"ranking": ranking.loss(batch.at_real(teacher(batch.items)), batch.targets[batch.real])}

    run = Run("teacher", teacher, objective, {"ranking": 1.0}, lambda: validation(teacher), histories, p.training, p.seed, checkpoint)
    curve = train(run)
    merge_layers(teacher)
    return teacher, kept, curve


def main(histories: Path, item_vectors: Path, *, teacher: Path) -> None:
    """Train on `histories` from the table of `item_vectors`; write the model, its layers' origin and its validation curve to `teacher`."""
    device = start_training(read_section("compute", ComputeParams, Path("params.yaml")))
    p = read_section("train_teacher", TrainTeacherParams, Path("params.yaml"))
    backbone = None if isinstance(p.backbone, DecoderParams) else open_backbone(p.backbone)
    pretrained = sorted(set(backbone.files.values())) if backbone else []
    checkpoint = Checkpoint.of("train_teacher", key_of([histories, item_vectors, *pretrained], p))
    table = load_model(embedding_model(item_vectors)).table
    model, kept, curve = train_teacher(read_histories(histories), table, p, backbone, device, checkpoint)
    with new_folder(teacher) as folder:
        save_model(model, folder)
        write_json(folder / "curve.json", curve)
        write_json(folder / "layers.json", {"kept": kept})
    checkpoint.clear()


if __name__ == "__main__":
    open_door(main)
