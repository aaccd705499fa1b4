"""RecTools' SASRec: trained on a table of events, its ten best items a user written.

Run as: python rectools_sasrec.py TRAIN.csv SETTINGS.json RECOMMENDED.csv; TRAIN has the columns
user_id, item_id, datetime, weight. Prints the seconds of each epoch, by the clock and of the
processor, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything  # type: ignore[import-not-found]
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import SASRecModel  # type: ignore[import-not-found]

train, settings, recommended = (
    Path(sys.argv[1]),
    json.loads(Path(sys.argv[2]).read_text()),
    Path(sys.argv[3]),
)
torch.set_num_threads(settings["threads"])
seed_everything(settings["seed"])


EPOCHS: list[
    dict[str, float]
] = []  # RecTools trains with a copy of what it is given, so the notes lie outside


class Stopwatch(Callback):
    """Notes how long each epoch of training takes."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started, self.worked = time.perf_counter(), time.process_time()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        EPOCHS.append(
            {
                "seconds": time.perf_counter() - self.started,
                "processor_seconds": time.process_time() - self.worked,
            }
        )
        print(EPOCHS[-1], file=sys.stderr, flush=True)


def trainer() -> Trainer:
    """RecTools' own trainer, with the stopwatch."""
    return Trainer(
        max_epochs=settings["epochs"], accelerator="cpu", callbacks=[Stopwatch()], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip


frame = pd.read_csv(train, parse_dates=["datetime"])
dataset = Dataset.construct(frame)
model = SASRecModel(
    n_blocks=settings["layers"],
    n_heads=settings["heads"],
    n_factors=settings["width"],
    session_max_len=settings["max_length"],
    batch_size=128,
    loss="softmax",
    epochs=settings["epochs"],
    get_trainer_func=trainer,
    recommend_torch_device="cpu",
)
model.fit(dataset)
found = model.recommend(
    users=frame[Columns.User].unique(), dataset=dataset, k=10, filter_viewed=True
)
found[[Columns.User, Columns.Item, Columns.Rank]].to_csv(recommended, index=False)
print(json.dumps(EPOCHS))
