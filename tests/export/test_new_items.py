"""Files of new items: what is read, what is left out, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.export.new_items import NO_TITLE, NewItems, read_new_items
from tests.support.bundles import served_items


def read(path: Path, item: str = "item", title: str = "title") -> NewItems:
    return read_new_items(path, item, title, served_items())


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_ids_and_titles_are_the_same_of_every_format(tmp_path: Path, suffix: str) -> None:
    table = pl.DataFrame({"item": [7, 12], "title": [" A red one ", "Ein grünes"], "price": [1, 2]})
    path = tmp_path / f"items.{suffix}"
    if suffix == "csv":
        table.write_csv(path)
    elif suffix == "jsonl":
        table.write_ndjson(path)
    else:
        table.write_parquet(path)
    assert read(path) == NewItems(["7", "12"], ["A red one", "Ein grünes"], {})


def test_columns_may_be_called_otherwise(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", "sku,name\nn1,A title\n")
    assert read(path, "sku", "name").ids == ["n1"]
    with pytest.raises(DataError, match="no column 'item', it has sku, name; name them with"):
        read(path)


def test_items_without_a_title_are_left_out_and_named(tmp_path: Path) -> None:
    path = written(tmp_path / "items.csv", 'item,title\nn1,A title\nn2,\nn3,"  "\n')
    assert read(path) == NewItems(["n1"], ["A title"], {"n2": NO_TITLE, "n3": NO_TITLE})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("n1,A\nn1,B\n", "names 'n1' more than once"),
        ("n1,A\ni9,B\n", r"the bundle knows 'i9' \(1 of 2 ids\); leave out"),
        ("n1,A\n,B\n", "has no id in row 2, counted from 1"),
        ("", "holds no item"),
    ],
)
def test_ids_that_cannot_be_added_are_one_clear_line(
    tmp_path: Path, rows: str, message: str
) -> None:
    path = written(tmp_path / "items.csv", f"item,title\n{rows}")
    with pytest.raises(DataError, match=message):
        read(path)


def test_files_that_cannot_be_read_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no \.csv, \.parquet, \.jsonl file"):
        read(tmp_path / "items.xlsx")
    with pytest.raises(UsageError, match="is missing"):
        read(tmp_path / "items.csv")
    for name in ("items.parquet", "items.jsonl", "items.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00PAR1")
        with pytest.raises(DataError, match=r"cannot be read as|has no column") as error:
            read(tmp_path / name)
        assert "\n" not in str(error.value)
