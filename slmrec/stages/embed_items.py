"""A properly trained SASRec: its item table is where the decoders start, and it is the baseline to beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from slmrec.core import tables
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import new_folder, write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.batches import Batch
from slmrec.dataset.histories import Histories, read_histories
from slmrec.models.ensemble import save_members
from slmrec.models.factory import SequenceModel
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.pretrained.title_vectors import title_vectors
from slmrec.ranking.validation import SampledNdcg
from slmrec.training.device import start_training
from slmrec.training.loop import Curve, Run, train
from slmrec.training.losses.next_item import NextItemLoss


def trained_items(histories: Histories, items: int) -> torch.Tensor:
    """Which item indices have a training event; PAD and UNK count as trained.  # (I,) bool"""
    trained = np.zeros(items, dtype=bool)
    trained[: tables.FIRST_ITEM] = True
    trained[histories.training_items()] = True
    return torch.from_numpy(trained)


def sasrec_run(
    histories: Histories,
    text: torch.Tensor | None,
    items: int,
    p: EmbedItemsParams,
    device: torch.device,
    checkpoint: Checkpoint,
) -> tuple[SASRec, Run]:
    """A fresh SASRec over ids, or with `text` (I, F) over ids and text, and the run that trains it over all positions."""
    torch.manual_seed(p.seed)
    used = p.text if text is not None and p.text != "none" else None
    item_embedding = ItemEmbedding(
        trained_items(histories, items), p.width, text, used.hidden_ids if used else 0.0
    )
    item_embedding.new_items_may_cost = used.new_items_may_cost if used else 0.0
    model = SASRec(
        item_embedding, p.layers, p.heads, p.feed_forward, p.dropout, histories.protocol.max_length
    ).to(device)
    ranking = NextItemLoss(model.item_embedding, p.training.loss, histories)
    validation = SampledNdcg(histories, item_embedding, p.training.validation_targets, p.seed)

    def objective(batch: Batch) -> dict[str, torch.Tensor]:
        return {
            "ranking": ranking.loss(batch.at_real(model(batch.items)), batch.targets[batch.real])
        }

    name = "sasrec" if text is None else "sasrec_text"
    return model, Run(
        name,
        model,
        objective,
        {"ranking": 1.0},
        lambda: validation(model),
        histories,
        p.training,
        p.seed,
        checkpoint,
    )


def embed_items(
    histories: Histories,
    text: torch.Tensor | None,
    items: int,
    p: EmbedItemsParams,
    device: torch.device,
    checkpoint: Checkpoint,
) -> tuple[SASRec, Curve]:
    """Train SASRec on `histories` until validation stops improving; with `text` (I, F), over ids and text."""
    model, run = sasrec_run(histories, text, items, p, device, checkpoint)
    return model, train(run)


def main(events: Path, histories: Path, *, item_vectors: Path, ensemble: Path) -> None:
    """Train on `histories`; write the model of ids and, where text is on, the one with text, each with its validation curve.

    With `ensemble_seeds`, `ensemble` gets the model whose table the decoders start from, by its
    seed, and one more for each of them.
    """
    device = start_training(ComputeParams.read())
    p = EmbedItemsParams.read()
    items = tables.read_table(events / "items.parquet", tables.ITEMS)
    rows = int(items["item_index"].max()) + 1  # type: ignore[arg-type]
    texts: dict[str, torch.Tensor | None] = {"sasrec": None}
    if p.text != "none":
        texts["sasrec_text"] = title_vectors(items, rows, p.text.encoders)
    read, key = read_histories(histories), key_of([events / "items.parquet", histories], p)
    with new_folder(item_vectors) as folder, new_folder(ensemble) as others:
        for name, text in texts.items():
            checkpoint = Checkpoint.of("embed_items", f"{name}-{key}")
            model, curve = embed_items(read, text, rows, p, device, checkpoint)
            save_model(model, folder / name)
            write_json(folder / name / "curve.json", curve)
        members: dict[int, SequenceModel] = {p.seed: model} if p.ensemble_seeds else {}
        for number, seed in enumerate(p.ensemble_seeds, start=1):
            print(
                f"ensemble: model {number} of {len(p.ensemble_seeds)}, {name} of seed {seed}",
                flush=True,
            )
            checkpoint = Checkpoint.of("embed_items", f"{name}-{seed}-{key}")
            members[seed], _ = embed_items(
                read, text, rows, p.model_copy(update={"seed": seed}), device, checkpoint
            )
        save_members(others, members)
    checkpoint.clear()


if __name__ == "__main__":
    run_stage(main)
