"""The work of prepare and split, written with pandas as a good practitioner would.

Run as: python -m benchmarks.peers.pandas_histories LOGS OUT. The stages do more (quarantine, cache,
bounded memory); this does the common part: ids to numbers by first appearance, total order,
duplicates, histories, targets, windows, all to Parquet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

MAX_LENGTH = 50
TIME_RANGE = (631_152_000, 1_893_456_000)  # 1990 to 2030, epoch seconds; others are mistakes
TRAINING_SHARE = 0.7  # of the events


def read_events(logs_dir: Path) -> pd.DataFrame:
    """All events without duplicates, in total order."""
    files = sorted(logs_dir.rglob("*.parquet"))
    events = pd.concat(
        [pd.read_parquet(file, columns=["user_id", "item_id", "timestamp"]) for file in files],
        ignore_index=True,
    ).dropna()
    events = events[(events["timestamp"] > TIME_RANGE[0]) & (events["timestamp"] < TIME_RANGE[1])]
    events = events.drop_duplicates()
    events["tie"] = pd.util.hash_pandas_object(events[["user_id", "item_id"]], index=False)
    return events.sort_values(["timestamp", "tie"], ignore_index=True)


def write_numbered(events: pd.DataFrame, out_dir: Path) -> None:
    """Add user_index and item_index; write events, users and items."""
    events["user_index"], users = pd.factorize(events["user_id"])
    events["item_index"], items = pd.factorize(events["item_id"])
    events["item_index"] += 2
    pd.DataFrame({"user": users}).to_parquet(out_dir / "users.parquet")
    pd.DataFrame({"item": items}).to_parquet(out_dir / "items.parquet")
    events[["user_index", "item_index", "timestamp"]].to_parquet(out_dir / "events.parquet")


def write_histories(events: pd.DataFrame, cut: int, out_dir: Path) -> None:
    """Write histories, and the events since `cut` as targets predicted from earlier ones.

    `events` are sorted by user, each user's in order.
    """
    groups = events.groupby("user_index", sort=False)
    histories = groups.agg(items=("item_index", list), times=("timestamp", list))
    histories.to_parquet(out_dir / "histories.parquet")
    events["position"] = groups.cumcount()
    moments = events.groupby(["user_index", "timestamp"], sort=False)
    events["input_stop"] = moments["position"].transform("min")
    targets = events[(events["timestamp"] >= cut) & (events["input_stop"] > 0)]
    targets[["user_index", "position", "input_stop"]].to_parquet(out_dir / "targets.parquet")


def write_windows(events: pd.DataFrame, cut: int, out_dir: Path) -> None:
    """Cut each user's events before `cut` into windows, the newest full, and write them."""
    training = events[events["timestamp"] < cut].groupby("user_index").size()
    counts = np.maximum(training - 1, 0).to_numpy()
    windows = -(-counts // MAX_LENGTH)
    rows = np.repeat(np.arange(len(training)), windows)
    back = np.repeat(np.cumsum(windows), windows) - 1 - np.arange(len(rows))
    stop = training.to_numpy()[rows] - back * MAX_LENGTH
    start = np.maximum(stop - MAX_LENGTH - 1, 0)
    table = {"user_index": training.index[rows], "start": start, "stop": stop}
    pd.DataFrame(table).to_parquet(out_dir / "windows.parquet")


def main(logs_dir: Path, out_dir: Path) -> None:
    """Read the folder of Parquet files; write all tables."""
    out_dir.mkdir(parents=True)
    events = read_events(logs_dir)
    write_numbered(events, out_dir)
    cut = int(events["timestamp"].quantile(TRAINING_SHARE))
    events = events.sort_values("user_index", kind="stable", ignore_index=True)
    write_histories(events, cut, out_dir)
    write_windows(events, cut, out_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
