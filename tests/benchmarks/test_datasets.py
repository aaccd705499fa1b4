"""Benchmark sets become histories: total order, item numbers by first appearance, leave-one-out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.datasets import leave_one_out, read_sequences
from slmrec.core.errors import UsageError


def write_interactions(folder: Path) -> Path:
    events = [
        # user, item, timestamp; user 2 has too few events to keep
        ("1", "b", 30),
        ("1", "a", 10),
        ("1", "b", 20),
        ("2", "a", 1),
        ("3", "c", 5),
        ("3", "a", 7),
        ("3", "c", 6),
    ]
    schema = ["user", "item", "timestamp"]
    pl.DataFrame(events, schema=schema, orient="row").write_parquet(folder / "interactions.parquet")
    titles = {"item": ["a", "b", "never seen"], "title": ["Apple", "Bread", "Nothing"]}
    pl.DataFrame(titles).write_parquet(folder / "items.parquet")
    return folder


def test_interactions_are_ordered_by_time_and_items_numbered_by_first_appearance(
    tmp_path: Path,
) -> None:
    sequences = read_sequences(write_interactions(tmp_path))
    # c appears at 5, a at 7 (user 2 is left out), b at 20: items 2, 3, 4.
    assert sequences.catalogue["item"].to_list() == ["c", "a", "b"]
    assert sequences.catalogue["title"].to_list() == [None, "Apple", "Bread"]
    assert sequences.catalogue["events"].to_list() == [2, 2, 2]
    assert sequences.rows == 3 + 2  # and PAD and UNK
    assert sequences.offsets.tolist() == [0, 3, 6]
    assert sequences.items.tolist() == [3, 4, 4, 2, 2, 3]
    assert sequences.times.tolist() == [
        1_000_000 * second for second in (10, 20, 30, 5, 6, 7)
    ]  # fmt: skip


def test_lines_of_items_are_histories_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "sequences.txt").write_text("1 9 8 9\n2 9 8\n3 7 9 8 8\n")
    sequences = read_sequences(tmp_path)
    # User 2 has two events and is left out; 7 and 9 come first, in the order of their names.
    assert sequences.catalogue["item"].to_list() == ["7", "9", "8"]
    assert sequences.items.tolist() == [3, 4, 3, 2, 3, 4, 4]
    assert sequences.catalogue["title"].is_null().all()


def test_a_folder_without_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither interactions\.parquet nor sequences\.txt"):
        read_sequences(tmp_path)


@pytest.mark.parametrize(("held_out", "stops"), [(2, [1, 2]), (1, [2, 3])])
def test_the_last_item_tests_the_one_before_validates_and_training_ends_before(
    tmp_path: Path, held_out: int, stops: list[int]
) -> None:
    (tmp_path / "sequences.txt").write_text("1 9 8 9\n3 7 9 8 8\n")
    histories = leave_one_out(read_sequences(tmp_path), max_length=5, held_out=held_out)
    assert histories.targets["test"].position.tolist() == [2, 3]
    assert histories.targets["valid"].position.tolist() == [1, 2]
    assert np.array_equal(histories.targets["test"].input_stop, histories.targets["test"].position)
    # A window needs two events: an input and its next item.
    expected = [stop for stop in stops if stop >= 2]
    assert histories.windows.stop.tolist() == expected
