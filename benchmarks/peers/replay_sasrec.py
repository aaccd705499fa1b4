"""RePlay's SasRec: trained on a table of events, its ten best items a user written.

Run as benchmarks/peers/sasrec_run.py says; EVENTS is a CSV with the columns user_id, item_id,
datetime, in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lightning  # type: ignore[import-not-found]
import pandas as pd  # type: ignore[import-untyped]
import torch
from replay.data import FeatureHint, FeatureSource, FeatureType  # type: ignore[import-not-found]
from replay.data.nn import (  # type: ignore[import-not-found]
    ParquetModule,
    TensorFeatureInfo,
    TensorFeatureSource,
    TensorSchema,
)
from replay.nn.lightning import LightningModule  # type: ignore[import-not-found]
from replay.nn.lightning.optimizer import OptimizerFactory  # type: ignore[import-not-found]
from replay.nn.sequential import SasRec  # type: ignore[import-not-found]
from replay.nn.transform.template import (  # type: ignore[import-not-found]
    make_default_sasrec_transforms,
)

from benchmarks.peers.sasrec_run import (
    BATCH,
    LIST_LENGTH,
    EpochTimes,
    Task,
    read_task,
    write_lists,
)

USERS_AT_ONCE = 256  # when recommending


class EpochTimer(lightning.Callback):
    """Notes how long each epoch of training takes."""

    def __init__(self, times: EpochTimes) -> None:
        self.times = times

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lightning calls this before the first batch of an epoch."""
        self.times.start()

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Lightning calls this after the last."""
        self.times.stop()


def item_schema(task: Task, items: int) -> TensorSchema:
    """One feature, the item; the code after the last item pads."""
    source = TensorFeatureSource(FeatureSource.INTERACTIONS, "item_id")
    feature = TensorFeatureInfo(
        "item_id",
        is_seq=True,
        feature_type=FeatureType.CATEGORICAL,
        embedding_dim=task.width,
        padding_value=items,
        cardinality=items,
        feature_hint=FeatureHint.ITEM_ID,
        feature_sources=[source],
    )
    return TensorSchema([feature])


def training_data(
    task: Task, histories: pd.DataFrame, schema: TensorSchema, items: int
) -> ParquetModule:
    """The newest events of each user as RePlay reads them.

    One more than the model reads: the last item of each is a target only.
    """
    length, path = task.max_length + 1, task.recommended.with_suffix(".parquet")
    newest = [history[-length:] for history in histories["item_id"]]
    histories.assign(item_id=newest).to_parquet(path)
    return ParquetModule(
        batch_size=BATCH,
        metadata={"train": {"item_id": {"shape": length, "padding": items}}},
        transforms=make_default_sasrec_transforms(schema),
        train_path=str(path),
    )


def train(model: SasRec, data: ParquetModule, epochs: int) -> EpochTimes:
    """Train with Lightning, as RePlay's examples do."""
    times = EpochTimes()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[EpochTimer(times)],
        logger=False,
        limit_val_batches=0,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(LightningModule(model, optimizer_factory=OptimizerFactory()), datamodule=data)
    return times


@torch.no_grad()
def recommend(
    model: SasRec, histories: pd.DataFrame, items: pd.Index, max_length: int
) -> Iterator[tuple[int, int, int]]:
    """User, item and rank of the ten best items of each user, none that it has met."""
    model.eval()
    for first in range(0, len(histories), USERS_AT_ONCE):
        group = histories.iloc[first : first + USERS_AT_ONCE]
        inputs = torch.full((len(group), max_length), len(items))  # (B, T), padded on the left
        for line, history in enumerate(group["item_id"]):
            newest = torch.tensor(history[-max_length:])
            inputs[line, max_length - len(newest) :] = newest
        padding_mask = inputs != len(items)
        scores = model(feature_tensors={"item_id": inputs}, padding_mask=padding_mask)["logits"]
        for line, history in enumerate(group["item_id"]):
            scores[line, torch.tensor(history)] = -torch.inf
        best = scores.topk(LIST_LENGTH).indices.tolist()
        for user, codes in zip(group["user_id"], best, strict=True):
            for rank, code in enumerate(codes, 1):
                yield user, items[code], rank


def read_histories(path: Path) -> tuple[pd.DataFrame, pd.Index]:
    """Each user's item codes in order, and the item of each code."""
    events = pd.read_csv(path)
    codes, items = pd.factorize(events["item_id"])
    coded = events.assign(item_id=codes)
    return coded.groupby("user_id", as_index=False)["item_id"].agg(list), items


def new_model(task: Task, schema: TensorSchema) -> SasRec:
    """RePlay's model in the task's shape."""
    return SasRec.from_params(
        schema,
        embedding_dim=task.width,
        num_heads=task.heads,
        num_blocks=task.layers,
        max_sequence_length=task.max_length,
    )


def main() -> None:
    """Train, recommend, write."""
    task = read_task()
    lightning.seed_everything(task.seed)
    histories, items = read_histories(task.events)
    schema = item_schema(task, len(items))
    model = new_model(task, schema)
    times = train(model, training_data(task, histories, schema, len(items)), task.epochs)
    write_lists(task.recommended, recommend(model, histories, items, task.max_length))
    times.print()


if __name__ == "__main__":
    main()
