"""pandas does the common part of prepare and split, to the same tables."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from benchmarks.peers.pandas_histories import MAX_LENGTH, main

DAY = 1_000_000_000


@pytest.fixture
def out_dir(tmp_path: Path) -> Path:
    """A user with 120 events, another with one; a duplicate and a mistaken time besides."""
    (tmp_path / "logs").mkdir()
    rows = [("u", f"i{step}", DAY + step) for step in range(120)]
    rows += [("v", "i0", DAY + 5), ("v", "i0", DAY + 5), ("v", "i1", 7)]
    schema = ["user_id", "item_id", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(tmp_path / "logs" / "a.parquet")
    main(tmp_path / "logs", tmp_path / "out")
    return tmp_path / "out"


def test_duplicates_and_mistaken_times_are_left_out(out_dir: Path) -> None:
    assert pl.read_parquet(out_dir / "events.parquet").height == 120 + 1
    assert pl.read_parquet(out_dir / "users.parquet")["user"].to_list() == ["u", "v"]
    items = pl.read_parquet(out_dir / "histories.parquet")["items"].to_list()
    assert items[0][:3] == [2, 3, 4]  # numbered by first appearance, from 2 on
    assert items[1] == [2]


def test_targets_are_the_newest_events_and_windows_end_before_them(out_dir: Path) -> None:
    targets = pl.read_parquet(out_dir / "targets.parquet")
    first = int(targets["position"].min())  # type: ignore[arg-type]
    assert targets["position"].to_list() == list(range(first, 120))
    assert (targets["input_stop"] == targets["position"]).all()
    windows = pl.read_parquet(out_dir / "windows.parquet")
    # The newest window is full: fifty inputs, and the last one's next item; the oldest is the rest.
    assert windows["stop"].to_list() == [first - MAX_LENGTH, first]
    assert windows["start"].to_list() == [0, first - MAX_LENGTH - 1]
