"""RecTools' eSASRec and HSTU: trained with validation, the best epoch kept, long lists written.

Run as: python -m benchmarks.peers.rectools_transformers EVENTS.csv TASK.json LISTS.csv, in a
virtual environment of RecTools. EVENTS has the columns user_id, item_id, datetime, weight; each
user's last event validates. LISTS gets user_id, item_id, score, rank. The last line that is printed
is JSON: how many epochs were trained, and the best one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import torch
from pytorch_lightning import (  # type: ignore[import-not-found]
    Callback,
    LightningModule,
    Trainer,
    seed_everything,
)
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import HSTUModel, SASRecModel  # type: ignore[import-not-found]
from rectools.models.nn.item_net import IdEmbeddingsItemNet  # type: ignore[import-not-found]
from rectools.models.nn.transformers.ligr import LiGRLayers  # type: ignore[import-not-found]
from rectools.models.nn.transformers.utils import (  # type: ignore[import-not-found]
    leave_one_out_mask,
)

from benchmarks.stopwatch import Stopwatch

HITS_AT = 10  # of the validation targets
LIST_LENGTH = 50  # more than are judged, so that ties with the tenth are seen
Batch = dict[str, torch.Tensor]


class KeepBest(Callback):
    """Keeps the weights with the best HR@10; ends after `patience` epochs without better ones."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best, self.best_epoch, self.epochs = -1.0, 0, 0
        self.hits: list[torch.Tensor] = []
        self.weights: Batch = {}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """An epoch begins."""
        self.stopwatch = Stopwatch()

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *_: Any
    ) -> None:
        """Whether each target stands among the ten best that the user has not met."""
        model, items = pl_module.torch_model, pl_module.item_embs
        last = model.encode_sessions(batch, items)[:, -1]  # (B, D)
        scores = model.similarity_module(last, items).scatter(1, batch["x"], -torch.inf)  # (B, I)
        best = scores.topk(HITS_AT).indices
        self.hits.append((best == batch["y"][:, -1:]).any(dim=1))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep or count."""
        hit_rate = float(torch.cat(self.hits).float().mean())
        self.hits.clear()
        self.epochs = trainer.current_epoch + 1
        print(f"epoch {self.epochs} hr@10 {hit_rate:.4f} {self.stopwatch.read()}", file=sys.stderr)
        if hit_rate > self.best:
            self.best, self.best_epoch = hit_rate, self.epochs
            self.weights = {name: w.clone() for name, w in pl_module.state_dict().items()}
        trainer.should_stop = self.epochs - self.best_epoch >= self.patience

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Back to the best epoch."""
        pl_module.load_state_dict(self.weights)


def new_trainer(epochs: int, patience: int) -> Trainer:
    """Lightning's trainer on the CPU, nothing written."""
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[KeepBest(patience)],
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def new_model(task: dict[str, Any]) -> SASRecModel | HSTUModel:
    """The model that the task names, with its arguments."""
    settings = task["arguments"] | {
        "item_net_block_types": (IdEmbeddingsItemNet,),
        "get_val_mask_func": leave_one_out_mask,
        "get_trainer_func": new_trainer,
        "get_trainer_func_kwargs": {name: task[name] for name in ("epochs", "patience")},
        "recommend_torch_device": "cpu",
    }
    if task["peer"] == "esasrec":
        return SASRecModel(transformer_layers_type=LiGRLayers, **settings)
    return HSTUModel(**settings)


def main() -> None:
    """Train, recommend, write."""
    events_path, task_path, lists_path = map(Path, sys.argv[1:])
    task = json.loads(task_path.read_text())
    torch.set_num_threads(task["threads"])
    seed_everything(task["seed"])
    events = pd.read_csv(events_path, parse_dates=["datetime"])
    dataset, model = Dataset.construct(events), new_model(task)
    model.fit(dataset)
    users = events[Columns.User].unique()
    lists = model.recommend(users=users, dataset=dataset, k=LIST_LENGTH, filter_viewed=True)
    lists[["user_id", "item_id", "score", "rank"]].to_csv(lists_path, index=False)
    (kept,) = (call for call in model.fit_trainer.callbacks if isinstance(call, KeepBest))
    print(json.dumps({"epochs": kept.epochs, "best_epoch": kept.best_epoch}))


if __name__ == "__main__":
    main()
