"""The work of prepare and split, written with pandas as a good practitioner would.

Run as: python pandas_histories.py LOGS OUT. The stages do more (quarantine, cache, bounded memory);
this does the common part: ids to numbers by first appearance, total order, duplicates, histories,
targets, windows, all to Parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

MAX_LENGTH = 50


def main(logs: Path, out: Path) -> None:
    """Read the folder of Parquet files, write events, users, items, histories, targets and windows."""
    out.mkdir(parents=True)
    files = sorted(logs.rglob("*.parquet"))
    events = pd.concat(
        [pd.read_parquet(file, columns=["user_id", "item_id", "timestamp"]) for file in files],
        ignore_index=True,
    )
    events = events.dropna()
    events = events[(events["timestamp"] > 631_152_000) & (events["timestamp"] < 1_893_456_000)]
    events = events.drop_duplicates()
    events["tie"] = pd.util.hash_pandas_object(events[["user_id", "item_id"]], index=False)
    events = events.sort_values(["timestamp", "tie"], ignore_index=True)
    events["user_index"], users = pd.factorize(events["user_id"])
    events["item_index"], items = pd.factorize(events["item_id"])
    events["item_index"] += 2
    pd.DataFrame({"user": users}).to_parquet(out / "users.parquet")
    pd.DataFrame({"item": items}).to_parquet(out / "items.parquet")
    events[["user_index", "item_index", "timestamp"]].to_parquet(out / "events.parquet")
    cut = int(events["timestamp"].quantile(0.7))
    events = events.sort_values("user_index", kind="stable", ignore_index=True)
    groups = events.groupby("user_index", sort=False)
    histories = groups.agg(items=("item_index", list), times=("timestamp", list))
    histories.to_parquet(out / "histories.parquet")
    events["position"] = groups.cumcount()
    events["input_stop"] = events.groupby(["user_index", "timestamp"], sort=False)[
        "position"
    ].transform("min")
    targets = events[(events["timestamp"] >= cut) & (events["input_stop"] > 0)]
    targets[["user_index", "position", "input_stop"]].to_parquet(out / "targets.parquet")
    training = events[events["timestamp"] < cut].groupby("user_index").size()
    counts = np.maximum(training - 1, 0).to_numpy()
    windows = -(-counts // MAX_LENGTH)
    rows = np.repeat(np.arange(len(training)), windows)
    back = np.repeat(np.cumsum(windows), windows) - 1 - np.arange(len(rows))
    stop = training.to_numpy()[rows] - back * MAX_LENGTH
    table = pd.DataFrame(
        {
            "user_index": training.index[rows],
            "start": np.maximum(stop - MAX_LENGTH - 1, 0),
            "stop": stop,
        }
    )
    table.to_parquet(out / "windows.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
