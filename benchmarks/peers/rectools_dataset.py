"""RecTools' dataset construction: ids to numbers and the interaction matrix, nothing written.

Run as: python -m benchmarks.peers.rectools_dataset LOGS.csv, with the columns user_id, item_id,
datetime, weight.
"""

from __future__ import annotations

import sys

import pandas as pd  # type: ignore[import-untyped]
from rectools.dataset import Dataset  # type: ignore[import-not-found]


def main() -> None:
    """Construct the dataset and print the shape of its matrix."""
    events = pd.read_csv(sys.argv[1], parse_dates=["datetime"])
    print(Dataset.construct(events).get_user_item_matrix().shape)


if __name__ == "__main__":
    main()
