"""RecBole's SASRec: trained on a table of events, its ten best items a user written.

Run as: python recbole_sasrec.py FOLDER SETTINGS.json RECOMMENDED.csv; FOLDER/events/events.inter
holds user_id:token, item_id:token, timestamp:float, each user's last event included, which RecBole
itself holds out (it trains on all before). Prints the seconds of each epoch, by the clock and of
the processor, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]
import torch
from recbole.config import Config  # type: ignore[import-not-found]
from recbole.data import create_dataset, data_preparation  # type: ignore[import-not-found]
from recbole.model.sequential_recommender import SASRec  # type: ignore[import-not-found]
from recbole.trainer import Trainer  # type: ignore[import-not-found]
from recbole.utils import init_seed  # type: ignore[import-not-found]

folder, settings, recommended = (
    sys.argv[1],
    json.loads(Path(sys.argv[2]).read_text()),
    Path(sys.argv[3]),
)
config = Config(
    model="SASRec",
    dataset="events",
    config_dict={
        "data_path": folder, "USER_ID_FIELD": "user_id", "ITEM_ID_FIELD": "item_id", "TIME_FIELD": "timestamp",
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "MAX_ITEM_LIST_LENGTH": settings["max_length"],
        "eval_args": {"split": {"LS": "test_only"}, "order": "TO", "mode": "full", "group_by": "user"},
        "n_layers": settings["layers"], "n_heads": settings["heads"], "hidden_size": settings["width"],
        "inner_size": 4 * settings["width"], "loss_type": "CE", "train_neg_sample_args": None, "epochs": settings["epochs"],
        "use_gpu": False, "seed": settings["seed"], "reproducibility": True, "show_progress": False, "state": "WARNING",
    },
)  # fmt: skip
torch.set_num_threads(settings["threads"])
init_seed(config["seed"], config["reproducibility"])
dataset = create_dataset(config)
train_data, _valid_data, test_data = data_preparation(config, dataset)
model = SASRec(config, train_data.dataset)
trainer = Trainer(config, model)
epochs = []
for epoch in range(settings["epochs"]):
    started, worked = time.perf_counter(), time.process_time()
    trainer._train_epoch(train_data, epoch, show_progress=False)
    epochs.append(
        {
            "seconds": time.perf_counter() - started,
            "processor_seconds": time.process_time() - worked,
        }
    )
    print(epochs[-1], file=sys.stderr, flush=True)

model.eval()
rows = []
with torch.no_grad():
    for batch, *_rest in test_data:
        scores = model.full_sort_predict(batch).view(len(batch), -1)
        scores[:, 0] = -torch.inf  # padding
        scores.scatter_(
            1, batch["item_id_list"], -torch.inf
        )  # what was seen, as far as the model reads
        best = scores.topk(10).indices
        for user, items in zip(batch["user_id"].tolist(), best.tolist(), strict=True):
            rows += [
                (dataset.id2token("user_id", user), dataset.id2token("item_id", item), rank)
                for rank, item in enumerate(items, 1)
            ]
pd.DataFrame(rows, columns=["user_id", "item_id", "rank"]).to_csv(recommended, index=False)
print(json.dumps(epochs))
