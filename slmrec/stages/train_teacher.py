"""The teacher: a LLaMA-architecture decoder over the item vectors, trained on the next item."""

from __future__ import annotations

from pathlib import Path

import torch

from slmrec.batches import Batch
from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_training
from slmrec.door import open_door
from slmrec.files import new_folder, write_json
from slmrec.histories import Histories, read_histories
from slmrec.item_table import ItemTable
from slmrec.models import embedding_model, load_model, new_decoder, save_model
from slmrec.params import ComputeParams, TrainTeacherParams, read_section
from slmrec.ranking import Ranking, Validation
from slmrec.recommender import Recommender
from slmrec.training import Curve, Run, train


def train_teacher(
    histories: Histories, table: ItemTable, p: TrainTeacherParams, device: torch.device, checkpoint: Checkpoint
) -> tuple[Recommender, Curve]:
    """Train a decoder over `table` until validation stops improving; a frozen table keeps its vectors."""
    torch.manual_seed(p.seed)
    table.requires_grad_(p.item_vectors == "trained")
    teacher = new_decoder(table, p.decoder, histories.protocol.max_length).to(device)
    ranking = Ranking(teacher.table, p.training.loss, histories)
    validation = Validation(histories, len(table), p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {"ranking": ranking.loss(batch.at_real(teacher(batch.items)), batch.targets[batch.real])}

    run = Run("teacher", teacher, objective, {"ranking": 1.0}, lambda: validation(teacher), histories, p.training, p.seed, checkpoint)
    return teacher, train(run)


def main(histories: Path, item_vectors: Path, *, teacher: Path) -> None:
    """Train on `histories` from the table of `item_vectors`; write the model and its validation curve to `teacher`."""
    device = start_training(read_section("compute", ComputeParams, Path("params.yaml")))
    p = read_section("train_teacher", TrainTeacherParams, Path("params.yaml"))
    checkpoint = Checkpoint.of("train_teacher", key_of([histories, item_vectors], p))
    model, curve = train_teacher(read_histories(histories), load_model(embedding_model(item_vectors)).table, p, device, checkpoint)
    with new_folder(teacher) as folder:
        save_model(model, folder)
        write_json(folder / "curve.json", curve)
    checkpoint.clear()


if __name__ == "__main__":
    open_door(main)
