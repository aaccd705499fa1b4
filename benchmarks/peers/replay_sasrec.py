"""RePlay's SasRec: trained on a table of events, its ten best items a user written.

Run as: python replay_sasrec.py TRAIN.csv SETTINGS.json RECOMMENDED.csv; TRAIN has the columns
user_id, item_id, datetime, in order. Prints the seconds of each epoch, by the clock and of the
processor, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import lightning  # type: ignore[import-not-found]
import pandas as pd  # type: ignore[import-untyped]
import torch
from replay.data import FeatureHint, FeatureSource, FeatureType  # type: ignore[import-not-found]
from replay.data.nn import ParquetModule, TensorFeatureInfo, TensorFeatureSource, TensorSchema  # type: ignore[import-not-found]
from replay.nn.lightning import LightningModule  # type: ignore[import-not-found]
from replay.nn.lightning.optimizer import OptimizerFactory  # type: ignore[import-not-found]
from replay.nn.sequential import SasRec  # type: ignore[import-not-found]
from replay.nn.transform.template import make_default_sasrec_transforms  # type: ignore[import-not-found]

train, settings, recommended = (
    Path(sys.argv[1]),
    json.loads(Path(sys.argv[2]).read_text()),
    Path(sys.argv[3]),
)
torch.set_num_threads(settings["threads"])
lightning.seed_everything(settings["seed"])
EPOCHS: list[dict[str, float]] = []


class Stopwatch(lightning.Callback):
    """Notes how long each epoch of training takes."""

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        self.started, self.worked = time.perf_counter(), time.process_time()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        EPOCHS.append(
            {
                "seconds": time.perf_counter() - self.started,
                "processor_seconds": time.process_time() - self.worked,
            }
        )
        print(EPOCHS[-1], file=sys.stderr, flush=True)


events = pd.read_csv(train)
codes, items = pd.factorize(events["item_id"])
histories = events.assign(item_id=codes).groupby("user_id", as_index=False)["item_id"].agg(list)
longest = settings["max_length"]
sequences = recommended.with_suffix(".parquet")
# One more than the model reads: the last item of each is a target only.
histories.assign(item_id=[history[-longest - 1 :] for history in histories["item_id"]]).to_parquet(
    sequences
)
feature = TensorFeatureInfo(
    "item_id", is_seq=True, feature_type=FeatureType.CATEGORICAL, embedding_dim=settings["width"], padding_value=len(items),
    cardinality=len(items), feature_hint=FeatureHint.ITEM_ID, feature_sources=[TensorFeatureSource(FeatureSource.INTERACTIONS, "item_id")],
)  # fmt: skip
schema = TensorSchema([feature])
body = SasRec.from_params(
    schema,
    embedding_dim=settings["width"],
    num_heads=settings["heads"],
    num_blocks=settings["layers"],
    max_sequence_length=longest,
)
data = ParquetModule(
    batch_size=128,
    metadata={"train": {"item_id": {"shape": longest + 1, "padding": len(items)}}},
    transforms=make_default_sasrec_transforms(schema),
    train_path=str(sequences),
)
trainer = lightning.Trainer(
    max_epochs=settings["epochs"], accelerator="cpu", callbacks=[Stopwatch()], logger=False, limit_val_batches=0,
    enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
)  # fmt: skip
trainer.fit(LightningModule(body, optimizer_factory=OptimizerFactory()), datamodule=data)

body.eval()
rows = []
with torch.no_grad():
    for first in range(0, len(histories), 256):
        group = histories.iloc[first : first + 256]
        inputs = torch.full((len(group), longest), len(items))
        for line, history in enumerate(group["item_id"]):
            newest = torch.tensor(history[-longest:])
            inputs[line, longest - len(newest) :] = newest
        scores = body(feature_tensors={"item_id": inputs}, padding_mask=inputs != len(items))[
            "logits"
        ]
        for line, history in enumerate(group["item_id"]):
            scores[line, torch.tensor(history)] = -torch.inf
        for user, best in zip(group["user_id"], scores.topk(10).indices.tolist(), strict=True):
            rows += [(user, items[item], rank) for rank, item in enumerate(best, 1)]
pd.DataFrame(rows, columns=["user_id", "item_id", "rank"]).to_csv(recommended, index=False)
print(json.dumps(EPOCHS))
