"""RecTools' SASRec: trained on a table of events, its ten best items a user written.

Run as benchmarks/peers/sasrec_run.py says; EVENTS is a CSV with the columns user_id, item_id,
datetime, weight.
"""

from __future__ import annotations

import pandas as pd  # type: ignore[import-untyped]
from pytorch_lightning import (  # type: ignore[import-not-found]
    Callback,
    LightningModule,
    Trainer,
    seed_everything,
)
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import SASRecModel  # type: ignore[import-not-found]

from benchmarks.peers.sasrec_run import (
    BATCH,
    LIST_LENGTH,
    EpochTimes,
    Task,
    read_task,
    write_lists,
)

# RecTools trains with a copy of the trainer that it is given, so what is noted lies outside of it.
TIMES = EpochTimes()


class EpochTimer(Callback):
    """Notes how long each epoch of training takes."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning calls this before the first batch of an epoch."""
        TIMES.start()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning calls this after the last."""
        TIMES.stop()


def new_trainer(epochs: int) -> Trainer:
    """RecTools' own trainer, with the timer."""
    return Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[EpochTimer()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def new_model(task: Task) -> SASRecModel:
    """RecTools' model in the task's shape."""
    return SASRecModel(
        n_blocks=task.layers,
        n_heads=task.heads,
        n_factors=task.width,
        session_max_len=task.max_length,
        batch_size=BATCH,
        loss="softmax",
        epochs=task.epochs,
        get_trainer_func=new_trainer,
        get_trainer_func_kwargs={"epochs": task.epochs},
        recommend_torch_device="cpu",
    )


def main() -> None:
    """Train, recommend, write."""
    task = read_task()
    seed_everything(task.seed)
    events = pd.read_csv(task.events, parse_dates=["datetime"])
    dataset = Dataset.construct(events)
    model = new_model(task)
    model.fit(dataset)
    lists = model.recommend(
        users=events[Columns.User].unique(), dataset=dataset, k=LIST_LENGTH, filter_viewed=True
    )
    rows = lists[[Columns.User, Columns.Item, Columns.Rank]].itertuples(index=False, name=None)
    write_lists(task.recommended, rows)
    TIMES.print()


if __name__ == "__main__":
    main()
