"""Events become histories, targets to predict and training windows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from slmrec import splitting, tables
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.files import new_folder, write_json
from slmrec.params import SplitParams, read_section
from slmrec.splitting import Cuts, Flat


def read_in_user_order(events: Path) -> pl.DataFrame:
    """All events, by user and within a user in total order.  # (E, 3)"""
    files = sorted((events / "events").glob("month=*/*.parquet"))
    rows = pl.concat([pl.read_parquet(file, columns=["user_index", "item_index", "time"], hive_partitioning=False) for file in files])
    if not len(rows):
        raise DataError(f"{events} holds no event; loosen the rules of prepare in params.yaml")
    return rows.sort("user_index", maintain_order=True)


def split(flat: Flat, p: SplitParams) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """Targets, windows and what was counted on the way; users are rows of `flat`."""
    if p.method == "leave_one_out":
        targets, training, cuts = splitting.leave_one_out_targets(flat), splitting.leave_one_out_training(flat), {}
    else:
        times = np.sort(flat.times)
        cut = Cuts(splitting.find_cut(p.valid_from, times), splitting.find_cut(p.test_from, times))
        splitting.check_cuts(cut, times)
        targets, training = splitting.temporal_targets(flat, cut), splitting.temporal_training(flat, cut)
        cuts = {"valid_from_us": cut.valid_from, "test_from_us": cut.test_from}
    predictable = targets.filter(pl.col("input_stop") > 0)
    counts = {f"{part}_targets": int((predictable["part"] == part).sum()) for part in tables.PARTS}
    unpredictable = {"targets_without_history": len(targets) - len(predictable)}
    return predictable, splitting.cut_windows(training, p.max_length), cuts | counts | unpredictable


def main(events: Path, validation: Path, *, histories: Path) -> None:
    """Read `events` (that `validation` passed), write the three tables and a summary to `histories`."""
    p = read_section("split", SplitParams, Path("params.yaml"))
    rows = read_in_user_order(events)
    by_user = rows.group_by("user_index", maintain_order=True).agg(items="item_index", times="time")
    offsets = np.cumsum([0, *by_user["items"].list.len()])
    users = by_user.select("user_index").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    targets, windows, counts = split(Flat(offsets, rows["time"].dt.epoch("us").to_numpy()), p)
    with new_folder(histories) as folder:
        by_user.write_parquet(folder / "histories.parquet")
        for name, table, schema in (("targets", targets, tables.TARGETS), ("windows", windows, tables.WINDOWS)):
            joined = table.join(users, on="row", how="left", maintain_order="left")
            joined.select(schema.names()).write_parquet(folder / f"{name}.parquet")
        protocol = {"method": p.method, "max_length": p.max_length, "exclude_seen": p.exclude_seen}
        write_json(folder / "summary.json", protocol | counts | {"users": len(by_user), "events": len(rows), "windows": len(windows)})


if __name__ == "__main__":
    open_door(main)
