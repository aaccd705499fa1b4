"""RecTools' dataset construction: ids to numbers and the interaction matrix, nothing written.

Run as: python rectools_dataset.py LOGS.csv, with the columns user_id, item_id, datetime, weight.
"""

from __future__ import annotations

import sys

import pandas as pd  # type: ignore[import-untyped]
from rectools.dataset import Dataset  # type: ignore[import-not-found]

frame = pd.read_csv(sys.argv[1], parse_dates=["datetime"])
dataset = Dataset.construct(frame)
print(dataset.get_user_item_matrix().shape)
