"""A properly trained SASRec: its item table is where the decoders start, and it is the baseline to beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from slmrec import tables
from slmrec.batches import Batch
from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_torch
from slmrec.door import open_door
from slmrec.files import new_folder, write_json
from slmrec.histories import Histories, read_histories
from slmrec.item_table import ItemTable
from slmrec.models import save_model
from slmrec.params import ComputeParams, EmbedItemsParams, read_section
from slmrec.ranking import Ranking, Validation
from slmrec.sasrec import Sasrec
from slmrec.training import Curve, Run, train


def trained_items(histories: Histories, items: int) -> torch.Tensor:
    """Which item indices have a training event; PAD and UNK count as trained.  # (I,) bool"""
    trained = np.zeros(items, dtype=bool)
    trained[: tables.FIRST_ITEM] = True
    trained[histories.training_items()] = True
    return torch.from_numpy(trained)


def embed_items(
    histories: Histories, items: int, p: EmbedItemsParams, device: torch.device, checkpoint: Checkpoint
) -> tuple[Sasrec, Curve]:
    """Train SASRec over all positions of `histories` until validation stops improving."""
    torch.manual_seed(p.seed)
    table = ItemTable(trained_items(histories, items), p.width, text=None)
    model = Sasrec(table, p.layers, p.heads, p.feed_forward, p.dropout, histories.protocol.max_length).to(device)
    ranking = Ranking(model.table, p.training.loss)
    validation = Validation(histories, items, p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {"ranking": ranking.loss(batch.at_real(model(batch.items)), batch.targets[batch.real])}

    run = Run("sasrec", model, objective, {"ranking": 1.0}, lambda: validation(model), histories, p.training, p.seed, checkpoint)
    return model, train(run)


def main(events: Path, histories: Path, *, item_vectors: Path) -> None:
    """Train on `histories`; write the model, with its item table, and its validation curve to `item_vectors`."""
    device = start_torch(read_section("compute", ComputeParams, Path("params.yaml")))
    p = read_section("embed_items", EmbedItemsParams, Path("params.yaml"))
    items = tables.read_table(events / "items.parquet", tables.ITEMS)
    checkpoint = Checkpoint.of("embed_items", key_of([events / "items.parquet", histories], p))
    model, curve = embed_items(read_histories(histories), int(items["item_index"].max()) + 1, p, device, checkpoint)  # type: ignore[arg-type]
    with new_folder(item_vectors) as folder:
        save_model(model, folder)
        write_json(folder / "curve.json", curve)
    checkpoint.clear()


if __name__ == "__main__":
    open_door(main)
