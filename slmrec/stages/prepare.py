"""Raw logs become events, users, items and a quarantine table."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from slmrec import tables
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.events import parse
from slmrec.files import new_folder, write_json
from slmrec.logs import find_files, scan_rows
from slmrec.ordering import hash_ids, hash_pairs
from slmrec.params import PrepareParams, read_section


def main(data: Path, *, events: Path, metrics: Path) -> None:
    """Read the logs in `data`, write the tables to `events` and what was counted to `metrics`."""
    p = read_section("prepare", PrepareParams, Path("params.yaml"))
    c = p.events.columns
    names = [name for name in (c.user, c.item, c.time, c.sequence, c.weight, c.type) if name]
    files = find_files(data, p.events.files)
    rows = pl.concat(
        [parse(scan_rows(file, p.events, names), p).with_columns(file=pl.lit(file.relative_to(data).as_posix())) for file in files]
    ).collect()
    bad = rows.filter(pl.col("reason").is_not_null())
    if len(bad) > p.max_quarantine_share * len(rows):
        raise DataError(f"{len(bad)} of {len(rows)} rows are bad")
    good = rows.filter(pl.col("reason").is_null())
    users = good.group_by("user").agg(pl.col("us").min()).sort("us", "user").with_row_index("user_index")
    items = good.group_by("item").agg(pl.col("us").min(), events=pl.len()).sort("us", "item").with_row_index("item_index", offset=2)
    if p.items:
        ic = p.items.columns
        titles = pl.concat(
            [scan_rows(f, p.items, [ic.item, ic.title]).select(item=ic.item, title=ic.title) for f in find_files(data, p.items.files)]
        ).collect()
        unseen = titles.join(items, on="item", how="anti").sort("item").select("item", events=pl.lit(0, pl.UInt32))
        items = pl.concat([items, unseen], how="diagonal").drop("item_index").with_row_index("item_index", offset=2)
        items = items.join(titles.unique("item", keep="first", maintain_order=True), on="item", how="left", maintain_order="left")
    coded = good.join(users.select("user", "user_index"), on="user").join(items.select("item", "item_index"), on="item")
    uh, ih = hash_ids(users["user"], p.seed), hash_ids(items["item"], p.seed)
    coded = coded.with_columns(hash=hash_pairs(uh[coded["user_index"].to_numpy()], ih[coded["item_index"].to_numpy() - 2]))
    coded = coded.sort("us", "sequence", "hash", "user_index", "item_index", "weight").unique(
        ["us", "sequence", "user_index", "item_index", "weight"], keep="first", maintain_order=True
    )
    ties = coded.select(pl.struct("user_index", "us").is_duplicated().mean()).item()
    coded = coded.with_columns(time=pl.from_epoch("us", time_unit="us").cast(tables.TIME))
    with new_folder(events) as folder:
        for (month,), part in coded.group_by(pl.col("time").dt.strftime("%Y-%m"), maintain_order=True):
            path = folder / "events" / f"month={month}" / "events.parquet"
            path.parent.mkdir(parents=True)
            part.select(tables.EVENTS.names()).write_parquet(path)
        users.select(tables.USERS.names()).write_parquet(folder / "users.parquet")
        items.with_columns(first_time=pl.from_epoch("us", time_unit="us").cast(tables.TIME)).select(tables.ITEMS.names()).write_parquet(
            folder / "items.parquet"
        )
        bad.select("file", pl.col("row").cast(pl.UInt64), "reason", "text").write_parquet(folder / "quarantine.parquet")
    write_json(
        metrics,
        {
            "rows": len(rows),
            "events": len(coded),
            "quarantined": dict(bad["reason"].value_counts().sort("reason").iter_rows()),
            "ties_share": ties,
        },
    )


if __name__ == "__main__":
    open_door(main)
