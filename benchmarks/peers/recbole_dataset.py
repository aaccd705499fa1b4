"""RecBole's dataset for sequential models: ids to numbers, sort, item lists, leave-one-out.

Run as: python -m benchmarks.peers.recbole_dataset FOLDER NAME, where FOLDER/NAME/NAME.inter is an
atomic file.
"""

from __future__ import annotations

import sys

from recbole.config import Config  # type: ignore[import-not-found]
from recbole.data import create_dataset, data_preparation  # type: ignore[import-not-found]

SETTINGS = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "MAX_ITEM_LIST_LENGTH": 50,
    "eval_args": {
        "split": {"LS": "valid_and_test"},
        "order": "TO",
        "mode": "full",
        "group_by": "user",
    },
    "train_neg_sample_args": None,
    "save_dataset": False,
    "use_gpu": False,
}


def main() -> None:
    """Construct the dataset, split it, and print it."""
    data_path, name = sys.argv[1:]
    settings = SETTINGS | {"data_path": data_path}
    config = Config(model="SASRec", dataset=name, config_dict=settings)
    dataset = create_dataset(config)
    data_preparation(config, dataset)
    print(dataset)


if __name__ == "__main__":
    main()
