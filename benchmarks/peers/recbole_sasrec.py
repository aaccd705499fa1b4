"""RecBole's SASRec: trained on a table of events, its ten best items a user written.

Run as benchmarks/peers/sasrec_run.py says; EVENTS is a folder whose events/events.inter holds
user_id:token, item_id:token, timestamp:float, each user's last event included. RecBole holds that
one out by itself and trains on all before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from recbole.config import Config  # type: ignore[import-not-found]
from recbole.data import create_dataset, data_preparation  # type: ignore[import-not-found]
from recbole.model.sequential_recommender import SASRec  # type: ignore[import-not-found]
from recbole.trainer import Trainer  # type: ignore[import-not-found]
from recbole.utils import init_seed  # type: ignore[import-not-found]

from benchmarks.peers.sasrec_run import LIST_LENGTH, EpochTimes, Task, read_task, write_lists

SETTINGS: dict[str, Any] = {
    "USER_ID_FIELD": "user_id",
    "ITEM_ID_FIELD": "item_id",
    "TIME_FIELD": "timestamp",
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "eval_args": {"split": {"LS": "test_only"}, "order": "TO", "mode": "full", "group_by": "user"},
    "loss_type": "CE",
    "train_neg_sample_args": None,
    "use_gpu": False,
    "reproducibility": True,
    "show_progress": False,
    "state": "WARNING",
}


def settings_of(task: Task) -> dict[str, Any]:
    """The task in RecBole's words."""
    return SETTINGS | {
        "data_path": str(task.events),
        "MAX_ITEM_LIST_LENGTH": task.max_length,
        "n_layers": task.layers,
        "n_heads": task.heads,
        "hidden_size": task.width,
        "inner_size": 4 * task.width,
        "epochs": task.epochs,
        "seed": task.seed,
    }


def train(model: SASRec, config: Config, data: Any, epochs: int) -> EpochTimes:
    """Train with RecBole's trainer, epoch by epoch."""
    trainer, times = Trainer(config, model), EpochTimes()
    for epoch in range(epochs):
        times.start()
        trainer._train_epoch(data, epoch, show_progress=False)
        times.stop()
    return times


@torch.no_grad()
def recommend(model: SASRec, data: Any, dataset: Any) -> Iterator[tuple[str, str, int]]:
    """User, item and rank of the ten best items of each user, unseen as far as the model reads."""
    model.eval()
    for batch, *_rest in data:
        scores = model.full_sort_predict(batch).view(len(batch), -1)  # (B, I)
        scores[:, 0] = -torch.inf  # padding
        scores.scatter_(1, batch["item_id_list"], -torch.inf)
        best = scores.topk(LIST_LENGTH).indices
        for user, items in zip(batch["user_id"].tolist(), best.tolist(), strict=True):
            for rank, item in enumerate(items, 1):
                yield dataset.id2token("user_id", user), dataset.id2token("item_id", item), rank


def main() -> None:
    """Train, recommend, write."""
    task = read_task()
    config = Config(model="SASRec", dataset="events", config_dict=settings_of(task))
    init_seed(config["seed"], config["reproducibility"])
    dataset = create_dataset(config)
    train_data, _valid_data, test_data = data_preparation(config, dataset)
    model = SASRec(config, train_data.dataset)
    times = train(model, config, train_data, task.epochs)
    write_lists(task.recommended, recommend(model, test_data, dataset))
    times.print()


if __name__ == "__main__":
    main()
