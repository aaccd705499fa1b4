"""The previous index is checked, and the item files give titles and attributes."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.params.prepare import ItemSource
from slmrec.preprocessing.events.catalogue import PREVIOUS_INDEX, read_catalogue, read_previous
from tests.support.logs import START, Workshop, as_csv, item_source


def source(title: str | None = "name", others: tuple[str, ...] = ()) -> ItemSource:
    return ItemSource.model_validate(item_source("*", title=title, others=others))


def write_index(data_dir: Path, numbers: list[int], items: list[str | None]) -> None:
    path = data_dir / PREVIOUS_INDEX
    path.parent.mkdir(parents=True)
    none: list[None] = [None] * len(items)
    columns = {"item_index": numbers, "item": items, "title": none, "first_time": none}
    pl.DataFrame({**columns, "events": numbers}, schema=tables.ITEMS).write_parquet(path)


def test_without_a_previous_index_no_item_is_known(tmp_path: Path) -> None:
    assert read_previous(tmp_path).schema == tables.ITEMS


def test_a_previous_index_is_read_as_it_is(tmp_path: Path) -> None:
    write_index(tmp_path, [2, 3], ["x", "y"])
    assert read_previous(tmp_path)["item"].to_list() == ["x", "y"]


@pytest.mark.parametrize(
    ("numbers", "items", "message"),
    [
        ([2, 4], ["x", "y"], "does not number items from 2 without a gap; restore it"),
        ([0, 1], ["x", "y"], "does not number items from 2 without a gap"),
        ([2, 3], ["x", "x"], "names an item twice or not at all"),
        ([2, 3], ["x", None], "names an item twice or not at all"),
    ],
)
def test_a_damaged_index_is_told(
    tmp_path: Path, numbers: list[int], items: list[str | None], message: str
) -> None:
    write_index(tmp_path, numbers, items)
    with pytest.raises(DataError, match=message):
        read_previous(tmp_path)


def test_no_source_lists_no_item(tmp_path: Path) -> None:
    catalogue = read_catalogue(tmp_path, None)
    assert len(catalogue.items) == len(catalogue.rows) == catalogue.listed_differently == 0
    assert catalogue.bad == {}


def test_an_item_listed_differently_takes_the_first_in_order_of_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name,genre\nx,Zoo,g\ny,Yes,\n")
    (tmp_path / "b.csv").write_text("id,name,genre\nx,Ant,h\nx,Zoo,g\n,No,g\ny,Yes,\n")
    catalogue = read_catalogue(tmp_path, source(others=("genre",)))
    assert catalogue.items.rows() == [("x", "Ant", "h"), ("y", "Yes", None)]
    assert catalogue.listed_differently == 1, "y is listed twice, but in one way"
    assert catalogue.rows == {"a.csv": 2, "b.csv": 4}
    assert catalogue.bad["b.csv"].rows() == [(3, "item without id", "null | No | g", None)]
    assert len(catalogue.bad["a.csv"]) == 0


def test_titles_and_other_columns_are_optional(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\nx\n")
    assert read_catalogue(tmp_path, source(title=None)).items.rows() == [("x", None)]


def test_a_column_may_be_read_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\nx,One\n")
    catalogue = read_catalogue(tmp_path, source(others=("name",)))
    assert catalogue.items.to_dicts() == [{"id": "x", "title": "One", "name": "One"}]


def test_an_item_file_of_nothing_but_a_header_lists_no_item(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\n")
    catalogue = read_catalogue(tmp_path, source())
    assert len(catalogue.items) == 0 and catalogue.items.columns == ["id", "title"]


def test_titles_and_attributes_come_from_the_item_files(workshop: Workshop) -> None:
    files = item_source("items.jsonl", title="name", others=["genre"])
    workshop.set(prepare__items=files, prepare__max_quarantine_share=0.5)
    events = [(f"user {number}", f"item {number}", START + number, 1.0) for number in range(3)]
    workshop.deliver("all.csv", as_csv(events))
    listed = [
        {"id": "item 1", "name": "One", "genre": "g"},
        {"id": "never seen", "name": "New", "genre": None},
        {"id": None},
    ]
    Path("data/items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in listed))
    counts = workshop.prepare()
    items = pl.read_parquet("events/items.parquet")
    assert items.select("item", "title").rows() == [
        ("item 0", None),
        ("item 1", "One"),
        ("item 2", None),
        ("never seen", "New"),
    ]
    attributes = pl.read_parquet("events/item_attributes.parquet")
    assert attributes["genre"].to_list() == [None, "g", None, None]
    assert counts["quarantined"] == {"item without id": 1}
