"""prepare: bad rows are set aside, mistakes are told in one line, nothing half-made is kept."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError, UsageError
from slmrec.core.trained_on import TrainedOn, digest_of
from slmrec.params.params_file import read_params
from tests.support.logs import START, Workshop, as_csv, as_parquet, event_columns, item_source

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]
EARLY = -31_536_000  # 1969
BAD_LINES = [
    (b"too,few,fields", "malformed line"),
    (b"far,too,many,fields,here", "malformed line"),
    (b'"open quote,item 1,1700000000,1', "malformed line"),
    (b"ann,caf\xe9,1700000000,1", "not UTF-8"),
    (b"ann,it\x00em,1700000000,1", "NUL byte"),
    (b"ann," + b"x" * 70_000 + b",1700000000,1", "item id too long"),
    (b"ann," + b"x" * 2_000 + b",1700000000,1", "item id too long"),
    (b",item 1,1700000000,1", "no user"),
    (b"ann,,1700000000,1", "no item"),
    (b"ann,item 1,yesterday,1", "time unreadable"),
    (b"ann,item 1,,1", "time unreadable"),
    (b"ann,item 1,%d,1" % EARLY, "time before earliest"),
    (b"ann,item 1,99999999999999999,1", "time after latest"),
    (b"ann,item 1,4102444800,1", "time after latest"),
    (b"ann,item 1,1700000000,-1", "weight negative"),
    (b"ann,item 1,1700000000,much", "weight unreadable"),
    (b"ann,item 1,1700000000,nan", "weight unreadable"),
]
MISTAKES = {
    "data is missing": ({}, "no file below data matches"),
    "an empty file": ({"all.csv": b""}, "is empty"),
    "a renamed column": (
        {"all.csv": b"user,movie,time,weight\na,b,1,1\n"},
        "has no column item; it has user, movie, time, weight",
    ),
    "a missing key": (
        {"all.jsonl": b'{"user": 1, "time": 2}\n'},
        "has no column item, weight; it has time, user",
    ),
    "a column twice": ({"all.csv": b"user,user,item,time,weight\n"}, "names a column twice"),
    "a truncated gzip": (
        {"all.csv.gz": gzip.compress(as_csv(GOOD))[:-20]},
        "cannot be read to its end",
    ),
    "a truncated parquet": ({"all.parquet": as_parquet(GOOD)[:-20]}, "is not readable Parquet"),
    "an unknown name": ({"all.xls": b"x"}, "of no format known by name"),
    "only a header": ({"all.csv": b"user,item,time,weight\n"}, "no event is left"),
    "nothing but bad times": (
        {"all.csv": b"user,item,time,weight\na,b,noon,1\n"},
        "1 of 1 rows of logs/all.csv are bad, 100.00%, so none is left",
    ),
}


def test_the_tables_have_their_schemas_and_the_counts_add_up(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("all.csv", as_csv(GOOD) + b"ann,x,noon,1\n" + as_csv(GOOD[:2])[22:])
    counts = workshop.prepare()
    assert counts["rows"] == 200 + 1 + 2
    assert counts["rows"] == counts["events"] + sum(
        (*counts["quarantined"].values(), *counts["left_out"].values())
    )
    assert (counts["users"], counts["items"]) == (5, 200)
    assert counts["first_event"] == "2023-11-14T22:13:20Z"
    for name in ("users", "items", "quarantine"):
        tables.read_table(Path("events") / f"{name}.parquet", getattr(tables, name.upper()))
    (path,) = Path("events/events").rglob("*.parquet")
    assert path == Path("events/events/month=2023-11/from-14.parquet")
    assert tables.read_table(path, tables.EVENTS)["time"].is_sorted()
    assert json.loads(Path("events/known.json").read_text()) == {"items": 0}


@pytest.mark.parametrize(
    ("line", "reason"),
    BAD_LINES,
    ids=[f"{reason} {number}" for number, (_, reason) in enumerate(BAD_LINES)],
)
def test_a_bad_line_is_set_aside_and_its_neighbours_are_kept(
    workshop: Workshop, line: bytes, reason: str
) -> None:
    lines = as_csv(GOOD).split(b"\n")
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("all.csv", b"\n".join([*lines[:8], line, *lines[8:]]))
    counts = workshop.prepare()
    assert counts["quarantined"] == {reason: 1}
    assert counts["events"] == 200 and counts["rows"] == 201
    file, row, why, text = workshop.quarantine().row(0)
    assert (file, row, why) == ("logs/all.csv", 8, reason)
    assert text is not None and len(text) <= 200


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(workshop: Workshop, mistake: str) -> None:
    files, message = MISTAKES[mistake]
    Path("data").mkdir()
    workshop.set(prepare__max_quarantine_share=0.5)
    for name, content in files.items():
        workshop.deliver(name, content)
    with pytest.raises(DataError, match=message) as stopped:
        workshop.prepare()
    assert "\n" not in str(stopped.value)


def test_a_mistake_ends_the_stage_with_a_code_and_keeps_no_half_made_folder(
    workshop: Workshop,
) -> None:
    arguments = ("data", "events", "champion", "data.json")
    assert workshop.stage("prepare", *arguments).returncode == UsageError.exit_code
    workshop.deliver("all.csv", b"")
    ended = workshop.stage("prepare", *arguments)
    assert ended.returncode == DataError.exit_code
    assert "is empty" in ended.stderr and "Traceback" not in ended.stderr
    assert {path.name for path in workshop.home.iterdir()} == {"params.yaml", "data", "cache"}


def test_a_rule_without_its_column_is_refused(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD))
    for change in ({"prepare__keep_types": ["buy"]}, {"prepare__min_weight": 3}):
        workshop.set(prepare__events__columns=event_columns(weight=None), **change)
        with pytest.raises(UsageError, match="names no column"):
            workshop.prepare()


def test_bad_rows_of_item_files_count_too(workshop: Workshop) -> None:
    workshop.set(prepare__items=item_source("items.csv"), prepare__max_quarantine_share=0.01)
    workshop.deliver("all.csv", as_csv(GOOD))
    Path("data/items.csv").write_text("id,other\nx,1\n" + ",2\n" * 3)
    # though they are 3 of 204 rows of all files
    with pytest.raises(
        DataError, match=r"3 of 4 rows of items are bad, 75\.00%.* 3 item without id"
    ):
        workshop.prepare()


def test_the_previous_profile_is_handed_on_to_validate(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD))
    workshop.prepare()
    assert not Path("events/previous_profile.json").exists()
    Path("data/index").mkdir()
    Path("data/index/profile.json").write_text("{}")
    workshop.prepare()
    assert Path("events/previous_profile.json").read_text() == "{}"


def test_items_of_the_previous_index_keep_their_numbers(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD[:3]))
    workshop.prepare()
    before = pl.read_parquet("events/items.parquet")["item"].to_list()
    Path("data/index").mkdir()
    Path("events/items.parquet").rename("data/index/items.parquet")
    workshop.deliver("early.csv", as_csv([("eve", "first of all", START - 9, 1.0)]))
    counts = workshop.prepare()
    assert pl.read_parquet("events/items.parquet")["item"].to_list() == [*before, "first of all"]
    assert counts["items_known_before"] == 3


def test_half_a_character_of_a_title_is_replaced_with_and_without_a_bad_line(
    workshop: Workshop,
) -> None:
    workshop.deliver("all.csv", as_csv([("ann", "x", START, 1.0), ("ann", "\ufffd", START, 1.0)]))
    workshop.set(prepare__items=item_source("items.jsonl", title="name", others=["tags"]))
    item = b'{"id":"x","name":"Party \\ud83c","tags":["\\ud83c", "\\ud83c\\udf89"]}\n'
    for bad_line in (b"", b"{\n"):
        Path("data/items.jsonl").write_bytes(item + b'{"id":"\\udf89","name":null}\n' + bad_line)
        workshop.prepare()
        items = pl.read_parquet("events/items.parquet").sort("item")
        assert items.select("item", "title").rows() == [("x", "Party \ufffd"), ("\ufffd", None)]
        tags = pl.read_parquet("events/item_attributes.parquet")["tags"].drop_nulls().item()
        assert "\U0001f389" in tags and "\ufffd" in tags


def test_logs_without_a_clock_are_ordered_by_their_sequence_alone(workshop: Workshop) -> None:
    columns = event_columns(time=None, weight=None, sequence=["order", "place"])
    workshop.set(
        prepare__events__columns=columns,
        prepare__earliest="2000-01-01T00:00:00Z",
        split__method="leave_one_out",
    )
    rows = ["ann,d,2,1", "ann,b,1,2", "ann,a,1,1", "ann,e,2,10", "ann,c,1,10", "bob,a,1,1"]
    workshop.deliver("all.csv", "\n".join(["user,item,order,place", *rows, ""]).encode())
    counts = workshop.prepare()
    assert (counts["events"], counts["quarantined"]) == (6, {})
    events = workshop.events().filter(pl.col("user") == "ann")
    assert events["item"].to_list() == ["a", "b", "c", "d", "e"]
    assert events["time"].dt.epoch("s").unique().to_list() == [3600, 7200], "hours from 1970"
    workshop.split()
    assert len(pl.read_parquet("histories/targets.parquet")) > 0


def test_without_a_clock_a_split_by_time_is_refused(workshop: Workshop) -> None:
    columns = event_columns(time=None, weight=None, sequence="order")
    workshop.set(prepare__events__columns=columns, split__method="temporal")
    with pytest.raises(UsageError, match=r"time is null, but split.method is temporal"):
        read_params(Path("params.yaml"))


def test_models_of_the_data_version_are_handed_on_and_listed(workshop: Workshop) -> None:
    workshop.deliver_days(range(3))
    workshop.prepare()
    assert json.loads(Path("champion/models.json").read_text()) == {"models": []}
    models = Path("data/index/champion/item_vectors/sasrec")
    models.mkdir(parents=True)
    (models / "model.safetensors").write_bytes(b"weights")
    ids = tables.read_table(Path("events/items.parquet"), tables.ITEMS)["item"]
    TrainedOn("1.0.0", "temporal", 0, len(ids), digest_of(ids)).write(models.parents[1])
    workshop.prepare()
    listed = json.loads(Path("champion/models.json").read_text())
    assert listed == {"models": ["item_vectors/sasrec"]}
    copied = Path("champion/item_vectors/sasrec/model.safetensors")
    assert copied.read_bytes() == b"weights"
    (models / "model.safetensors").unlink()
    workshop.prepare()
    assert not copied.exists()
