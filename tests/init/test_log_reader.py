"""Events and titles as prepare would read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from slmrec.init import log_reader
from slmrec.init.log_reader import read_catalogue, read_events
from slmrec.params.prepare import PrepareParams
from tests.support.project import ROOT


def params(files: list[str]) -> PrepareParams:
    sections: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    prepare = sections["prepare"]
    columns = {"user": "user", "item": "item", "time": "time"}
    none = {"sequence": None, "weight": None, "type": None}
    prepare["events"].update(files=files, format="csv", columns=columns | none)
    titles = {"item": "item", "title": "title", "others": []}
    prepare["items"].update(files=["items.csv"], format="csv", columns=titles)
    return PrepareParams.model_validate(prepare)


def deliver(data: Path, name: str, *rows: str, header: str = "user,item,time") -> None:
    (data / name).write_text("\n".join([header, *rows]) + "\n")


def test_ids_are_hashed_alike_in_every_file_and_bad_rows_counted(tmp_path: Path) -> None:
    deliver(tmp_path, "a.csv", "ann,tea,1000000000", "bob,cup,1000000001")
    deliver(tmp_path, "b.csv", "ann,tea,1000000002", "bob,cup,never")

    rows = read_events(tmp_path, params(["a.csv", "b.csv"]), 4)

    assert (len(rows.events), rows.bad, rows.share) == (3, 1, 1.0)
    assert rows.events["user"].n_unique() == rows.events["item"].n_unique() == 2
    assert rows.events["us"].sort().to_list() == [10**15, 10**15 + 10**6, 10**15 + 2 * 10**6]


def test_of_more_rows_than_are_read_some_files_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        lines = [f"u{number},tea,{10**9 + row}" for row in range(10)]
        deliver(tmp_path, f"{number}.csv", *lines)
    monkeypatch.setattr(log_reader, "MAX_ROWS", 40)

    rows = read_events(tmp_path, params(["*.csv"]), 80)

    assert (len(rows.events), rows.share) == (40, 0.5)
    assert rows.events["user"].n_unique() == 4  # every second file


def test_only_the_first_event_of_an_item_is_kept_where_lists_repeat(tmp_path: Path) -> None:
    deliver(tmp_path, "a.csv", *(f"ann,tea,{10**9 + second}" for second in (5, 3, 4)))

    rows = read_events(tmp_path, params(["a.csv"]), 3).without_repeats()

    assert rows.events["us"].to_list() == [(10**9 + 3) * 10**6]


def test_listed_items_link_to_events_by_their_ids(tmp_path: Path) -> None:
    deliver(tmp_path, "a.csv", "ann,1,1000000000")
    deliver(tmp_path, "items.csv", "1,Tea", "2,", "1,Green tea", header="item,title")
    prepare = params(["a.csv"])
    assert prepare.items is not None

    catalogue = read_catalogue(tmp_path, prepare.items)
    events = read_events(tmp_path, prepare, 1).events

    assert sorted(catalogue["titled"].to_list()) == [False, True]
    titled = catalogue.filter(pl.col("titled"))
    assert titled["item"].to_list() == events["item"].to_list()
