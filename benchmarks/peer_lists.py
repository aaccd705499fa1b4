"""What a peer of RecTools is given of a prepared set, and the ranks of the targets in return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file
from slmrec.dataset.histories import Histories, Targets
from slmrec.ranking.metrics import NEVER_LISTED


def write_training_events(histories: Histories, path: Path) -> None:
    """All events before each user's test target, by row of `histories`, as a CSV for RecTools.

    An event's time is its place, so that every reader finds our order. Raises UsageError where a
    user may have several test targets.
    """
    if histories.protocol.method != "leave_one_out":
        raise UsageError(
            f"the split is {histories.protocol.method}; peers are compared on leave_one_out"
        )
    lengths = np.diff(histories.offsets)
    place = np.concatenate([np.arange(length) for length in lengths])
    stops = lengths.copy()
    stops[histories.targets["test"].row] = histories.targets["test"].input_stop
    row = np.repeat(np.arange(len(lengths)), lengths)
    events = pl.DataFrame({"user_id": row, "item_id": histories.items, "place": place})
    time = pl.from_epoch("place", time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    with new_file(path) as temporary:
        events.filter(place < np.repeat(stops, lengths)).select(
            "user_id", "item_id", datetime=time, weight=pl.lit(1)
        ).write_csv(temporary)


def ranks_in_lists(histories: Histories, targets: Targets, path: Path) -> np.ndarray:
    """Rank of each target (N,) in its user's list, ties against the model; NEVER_LISTED without.

    A list is longer than any cutoff that is judged, or ties with its end would not be seen.
    """
    lists = pl.read_csv(path).select("user_id", "item_id", "score")
    items = histories.items[histories.offsets[targets.row] + targets.position]
    wanted = pl.DataFrame(
        {"target": np.arange(len(items)), "user_id": targets.row, "item_id": items}
    )
    listed = wanted.join(lists, on=["user_id", "item_id"]).rename({"score": "target_score"})
    reached = (
        listed.select("target", "user_id", "target_score")
        .join(lists, on="user_id")
        .filter(pl.col("score") >= pl.col("target_score"))
        .group_by("target")
        .len()
    )
    ranks = np.full(len(items), NEVER_LISTED, dtype=np.int64)
    ranks[reached["target"].to_numpy()] = reached["len"].to_numpy()
    return ranks
