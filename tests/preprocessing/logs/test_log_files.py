"""Which files are read, in which format, and every form of logs in docs/logs.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventColumns, EventSource, ItemColumns, ItemSource
from slmrec.preprocessing.logs import log_files
from slmrec.preprocessing.logs.log_files import (
    event_columns,
    find_files,
    item_columns,
    read_batches,
)
from tests.support import logs
from tests.support.logs import FORMS, Workshop, as_csv, as_zip, source
from tests.support.project import ROOT

EXAMPLES = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "logs.md").read_text(), flags=re.DOTALL
)
LOGS = [("ann", "B00, blue", 1_700_000_000, 5.0), ("bob", "x", 1_700_000_001, 1.0)]


def test_files_are_found_once_in_order_of_name_with_the_columns_of_their_folders(
    tmp_path: Path,
) -> None:
    for name in ("b.tsv.gz", "plain/shop=de/day=1/a.ndjson", "c.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    files = find_files(tmp_path, source("**/*", "*.csv"))
    assert [(file.name, file.format, file.folders) for file in files] == [
        ("b.tsv.gz", "tsv", {}),
        ("c.csv", "csv", {}),
        ("plain/shop=de/day=1/a.ndjson", "jsonl", {"shop": "de", "day": "1"}),
    ]


def test_a_named_format_is_taken_whatever_the_name(tmp_path: Path) -> None:
    (tmp_path / "events.log").write_bytes(b"x")
    assert find_files(tmp_path, source("*", format="csv"))[0].format == "csv"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", None, r"no file below .* matches \*\*/\*; run slmrec fetch-demo"),
        ("a.csv", b"", r"a\.csv is empty \(0 bytes\)"),
        ("a.xls", b"x", r"a\.xls is of no format known by name \(\.parquet, \.csv"),
    ],
)
def test_files_that_cannot_be_read_are_told(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        find_files(tmp_path, source("**/*"))


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        (["**/*.csv"], ["a.csv"]),
        (["**/*.csv", "**/._*.csv"], ["._a.csv", "a.csv", "x/._b.csv"]),
        ([".old/*"], [".old/c.csv"]),
        (["__MACOSX/*"], ["__MACOSX/d.csv"]),
    ],
)
def test_hidden_files_are_no_logs_unless_a_glob_names_them(
    tmp_path: Path, globs: list[str], names: list[str]
) -> None:
    for name in ("a.csv", "._a.csv", "x/._b.csv", ".old/c.csv", "__MACOSX/d.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    assert [file.name for file in find_files(tmp_path, source(*globs))] == names


def test_where_all_files_are_hidden_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "._a.csv").write_bytes(b"x")
    with pytest.raises(DataError, match=r"\(hidden files such as \._a\.csv are left aside\); run"):
        find_files(tmp_path, source("*"))


def test_the_format_of_an_archive_is_that_of_its_member(tmp_path: Path) -> None:
    (tmp_path / "a.tsv.zip").write_bytes(as_zip({"x": b"x"}))
    (tmp_path / "b.zip").write_bytes(as_zip({"b/events.jsonl": b"x"}))
    assert [file.format for file in find_files(tmp_path, source("*"))] == ["tsv", "jsonl"]
    (tmp_path / "c.zip").write_bytes(as_zip({"a.csv": b"x", "b.csv": b"x"}))
    with pytest.raises(DataError, match=r"holds 2 files \(a.csv, b.csv\)"):
        find_files(tmp_path, source("*"))


@pytest.mark.parametrize("small", [True, False])
def test_a_parquet_file_comes_in_batches_whose_rows_are_counted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    monkeypatch.setattr(log_files, "SMALL_PARQUET_BYTES", 1 << 20 if small else 0)
    monkeypatch.setattr(log_files, "BATCH_ROWS", 100)
    pl.DataFrame({"x": range(250), "y": range(250)}).write_parquet(tmp_path / "a.parquet")
    (file,) = find_files(tmp_path, source("*"))
    batches = list(read_batches(file, source("*"), ["y"]))
    assert (len(batches) == 1) == small
    rows = pl.concat([batch.rows for batch in batches])
    assert rows["row"].to_list() == list(range(1, 251))
    assert rows["y"].to_list() == list(range(250)) and rows.columns == ["row", "y"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"user,movie\n1,2\n", "has no column item; it has user, movie; name the columns"),
        ("a.jsonl", b'{"user": 1}\n', "has no column item; it has user"),
        (
            "a.parquet.zip",
            as_zip({"a.parquet": b"PAR1"}),
            "is packed, and Parquet is read unpacked",
        ),
        ("a.parquet", b"PAR1 and no end", "is not readable Parquet .*; deliver it again"),
    ],
)
def test_a_file_without_the_wanted_columns_is_told(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (file,) = find_files(tmp_path, source("*"))
    with pytest.raises(DataError, match=message):
        list(read_batches(file, source("*"), ["user", "item"]))


def test_each_column_is_read_once() -> None:
    columns = EventColumns(user="u", item="i", time="t", sequence="t", weight=None, type="kind")
    assert event_columns(columns) == ["u", "i", "t", "kind"]
    assert item_columns(ItemColumns(item="i", title=None, others=["c", "i"])) == ["i", "c"]
    assert item_columns(ItemColumns(item="i", title="t", others=[])) == ["i", "t"]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_docs_are_what_params_accept(number: int) -> None:
    example: dict[str, Any] = YAML(typ="safe").load(EXAMPLES[number])
    shipped: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")["prepare"]
    assert example.keys() & {"events", "items"}
    for name, kind in (("events", EventSource), ("items", ItemSource)):
        if example.get(name) is not None:
            kind.model_validate({**shipped[name], **example[name]})


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_events(workshop: Workshop, form: str) -> None:
    plain = [(user, item.replace(",", ""), time, weight) for user, item, time, weight in LOGS]
    workshop.deliver(f"a.{form}", FORMS[form](plain))
    workshop.prepare()
    events = [
        (user, item, int(time.timestamp()), weight)
        for user, item, time, weight in workshop.events().iter_rows()
    ]
    assert events == plain


def test_a_delimiter_may_be_named(workshop: Workshop) -> None:
    workshop.set(prepare__events__delimiter=";", prepare__events__format="csv")
    workshop.deliver("a.csv", as_csv(LOGS).replace(b",", b";").replace(b"B00;", b"B00,"))
    workshop.prepare()
    assert workshop.events()["item"].to_list() == ["B00, blue", "x"]


def test_a_column_may_come_from_the_folders(workshop: Workshop) -> None:
    columns = logs.event_columns(type="kind")
    workshop.set(prepare__events__columns=columns, prepare__keep_types=["buy"])
    workshop.deliver("kind=buy/a.csv", as_csv(LOGS[1:]))
    workshop.deliver("kind=view/a.csv", as_csv([("eve", "y", 1_700_000_000, 1.0)]))
    assert workshop.prepare()["left_out"] == {"type not kept": 1}
    assert workshop.events()["user"].to_list() == ["bob"]


def test_the_folders_of_json_lines_may_give_the_user(workshop: Workshop) -> None:
    records = [
        b'{"item": "x", "time": 1700000000, "weight": 1}',
        b'{"item": 7, "time": 1700000001}',
    ]
    workshop.set(prepare__events__columns=logs.event_columns(weight=None))
    workshop.deliver("user=ann/a.jsonl", b"\n".join(records))
    workshop.prepare()
    assert workshop.events()["user"].to_list() == ["ann", "ann"]


def test_other_files_below_data_are_left_alone(workshop: Workshop) -> None:
    workshop.set(prepare__events__files=["logs/*.csv"])
    workshop.deliver("a.csv", as_csv(LOGS[1:]))
    Path("data/README.txt").write_text("not a log")
    assert workshop.prepare()["rows"] == 1
