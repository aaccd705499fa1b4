"""Items of events are held against the listed ones, and a small overlap is loud."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.preprocessing.events.listed import compare_with_list
from tests.support.logs import START, Workshop, as_csv, item_source


def test_the_share_is_one_of_events_not_of_items() -> None:
    items = pl.Series(["a", "b", "c", "d"])
    overlap = compare_with_list(items, np.array([6, 3, 1, 0]), pl.Series(["a", "d", "e"]))
    assert overlap.share == 6 / 10 and not overlap.is_small
    assert overlap.unlisted == ["b", "c"] and overlap.without_event == ["d", "e"]
    assert overlap.line == "60.00% of events have an item that the item files list"


def test_a_small_share_shows_both_spellings() -> None:
    items = pl.Series([f"b{number}" for number in range(5)])
    overlap = compare_with_list(items, np.ones(5, dtype=np.int64), pl.Series(["B1", "B2"]))
    assert overlap.is_small and overlap.line.startswith("WARNING: only 0.00% of events")
    assert "such as 'b0', 'b1', 'b2' are not" in overlap.line
    assert "such as 'B1', 'B2' have no event" in overlap.line


def test_half_of_the_events_is_not_small() -> None:
    overlap = compare_with_list(pl.Series(["a", "b"]), np.array([1, 1]), pl.Series(["a"]))
    assert overlap.share == 0.5 and not overlap.is_small


@pytest.mark.parametrize(("listed", "share"), [("item 0\nitem 1\n", 1.0), ("I0\nI1\n", 0.0)])
def test_prepare_counts_and_says_it(
    workshop: Workshop, capsys: pytest.CaptureFixture[str], listed: str, share: float
) -> None:
    workshop.deliver("all.csv", as_csv([("a", f"item {n}", START, 1.0) for n in range(2)]))
    assert "events_listed_share" not in workshop.prepare(), "only where items are named"
    Path("data/items.csv").write_text("id\n" + listed)
    workshop.set(prepare__items=item_source("items.csv"))
    assert workshop.prepare()["events_listed_share"] == share
    said = capsys.readouterr()
    loud, quiet = (said.err, said.out) if share < 0.5 else (said.out, said.err)
    assert f"{share:.2%} of events" in loud and "of events" not in quiet
