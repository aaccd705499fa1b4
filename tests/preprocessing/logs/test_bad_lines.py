"""Bad rows are set aside with file, row and reason; none crashes, none passes silently."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from slmrec.core.errors import DataError, UsageError
from tests.support.logs import Workshop, as_csv, as_jsonl, as_parquet, as_tsv

GOOD = [
    (f"user {number % 5}", f"item {number}", 1_700_000_000 + number, 1.0) for number in range(200)
]
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


@pytest.fixture(autouse=True)
def _tolerant(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)


@pytest.mark.parametrize(
    ("line", "reason"),
    BAD_LINES,
    ids=[f"{reason} {number}" for number, (_, reason) in enumerate(BAD_LINES)],
)
def test_a_bad_line_is_set_aside_and_its_neighbours_are_kept(
    workshop: Workshop, line: bytes, reason: str
) -> None:
    whole = as_csv(GOOD).split(b"\n")
    workshop.deliver("all.csv", b"\n".join([*whole[:8], line, *whole[8:]]))
    counts = workshop.prepare()
    assert (
        counts["quarantined"] == {reason: 1} and counts["events"] == 200 and counts["rows"] == 201
    )
    file, row, why, text = workshop.quarantine().row(0)
    assert (file, row, why) == ("logs/all.csv", 8, reason)
    assert text is not None and len(text) <= 200


def test_a_quoted_comma_is_part_of_a_field(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD) + b'"a, b","say ""hi""",1700000000,1\n')
    assert workshop.prepare()["quarantined"] == {}
    assert ("a, b", 'say "hi"') in set(workshop.events().select("user", "item").iter_rows())


def test_windows_line_ends_blank_lines_and_a_byte_order_mark_are_no_fault(
    workshop: Workshop,
) -> None:
    workshop.deliver(
        "all.csv", b"\xef\xbb\xbf" + as_csv(GOOD).replace(b"\n", b"\r\n") + b"\r\n\r\n"
    )
    counts = workshop.prepare()
    assert (counts["events"], counts["quarantined"]) == (200, {})


def test_a_quote_in_a_tsv_is_a_character_like_any_other(workshop: Workshop) -> None:
    workshop.deliver("all.tsv", as_tsv(GOOD) + b'"ann\t7" nail\t1700000000\t1\n')
    assert workshop.prepare()["events"] == 201


def test_bad_json_lines_are_set_aside(workshop: Workshop) -> None:
    bad = [
        b'{"user": "ann"',
        b"[1, 2]",
        b'{"user": null, "item": "x", "time": 1700000000, "weight": 1}',
        b'{"user": "a\\u0000b", "item": "x"}',
    ]
    workshop.deliver("all.jsonl", as_jsonl(GOOD) + b"\n".join(bad) + b"\n")
    assert workshop.prepare()["quarantined"] == {
        "malformed line": 2,
        "no user": 1,
        "user id broken": 1,
    }
    assert workshop.quarantine()["row"].to_list() == [201, 202, 203, 204]


def test_bad_rows_of_a_parquet_file_are_set_aside(workshop: Workshop) -> None:
    bad = [
        (None, "x", 1_700_000_000, 1.0),
        ("ann", None, 1_700_000_000, 1.0),
        ("ann", "", 1_700_000_000, 1.0),
        ("ann", "x", None, 1.0),
    ]
    workshop.deliver("all.parquet", as_parquet([*GOOD, *bad]))  # type: ignore[list-item]
    assert workshop.prepare()["quarantined"] == {
        "item id empty": 1,
        "no item": 1,
        "no user": 1,
        "time unreadable": 1,
    }


def test_a_line_longer_than_a_block_does_not_fill_the_memory(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slmrec.preprocessing.logs.text_blocks.BLOCK", 4096)
    workshop.deliver(
        "all.csv",
        as_csv(GOOD[:100])
        + b"ann,"
        + b"x" * 300_000
        + b",1700000000,1\n"
        + as_csv(GOOD[100:]).split(b"\n", 1)[1],
    )
    counts = workshop.prepare()
    assert counts["events"] == 200 and sum(counts["quarantined"].values()) == 1
    assert workshop.quarantine()["row"].to_list() == [101]


def test_blocks_smaller_than_the_file_give_the_same_events(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slmrec.preprocessing.logs.text_blocks.BLOCK", 512)
    workshop.deliver("all.csv", as_csv(GOOD) + b"bad,line\n")
    assert workshop.prepare()["events"] == 200
    assert workshop.quarantine()["row"].to_list() == [201]


def test_too_many_bad_rows_stop_the_run_with_the_worst_reasons_and_examples(
    workshop: Workshop,
) -> None:
    workshop.set(prepare__max_quarantine_share=0.01)
    workshop.deliver(
        "all.csv",
        as_csv(GOOD)
        + b"ann,,1700000000,1\n" * 3
        + b"short\n" * 2
        + b",x,1700000000,1\n" * 2
        + b"ann,x,noon,1\n",
    )
    with pytest.raises(DataError, match="8 of 208 rows are bad") as stopped:
        workshop.prepare()
    said = str(stopped.value)
    assert (
        "3 no item (logs/all.csv row 201" in said
        and "2 malformed line" in said
        and "time unreadable" not in said
    )
    assert "\n" not in said and not Path("events").exists()


def test_what_a_rule_leaves_out_is_in_the_quarantine_but_is_no_fault(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.0, prepare__min_weight=2.0, prepare__max_history=3)
    workshop.deliver(
        "all.csv",
        as_csv(
            [
                (user, item, time, 1 + number % 2)
                for number, (user, item, time, _) in enumerate(GOOD)
            ]
        ),
    )
    counts = workshop.prepare()
    assert (
        counts["left_out"] == {"beyond longest history": 85, "weight below minimum": 100}
        and counts["events"] == 15
    )
    assert len(workshop.quarantine()) == 185
    assert counts["items_numbered"] == 200, "an index is given before any rule"


def test_a_duplicate_is_told_by_file_and_row(workshop: Workshop) -> None:
    workshop.deliver("a.csv", as_csv(GOOD[:100]))
    workshop.deliver("b.csv", as_csv(GOOD[99:]))
    workshop.deliver("c.csv", as_csv(GOOD[:100]))
    counts = workshop.prepare()
    assert counts["left_out"] == {"duplicate": 101} and counts["events"] == 200
    copies = workshop.quarantine()
    assert copies.filter(pl.col("file") == "logs/c.csv")["row"].to_list() == list(range(1, 101))


def test_times_say_the_same_in_every_format(workshop: Workshop) -> None:
    forms = {
        "epoch_s": "1700000000",
        "epoch_ms": "1700000000000",
        "epoch_us": "1700000000000000",
        "iso8601": "2023-11-14T23:13:20+01:00",
        "iso8601_utc": "2023-11-14 22:13:20",
    }
    for form, text in forms.items():
        workshop.clear()
        workshop.set(prepare__events__time_format=form)
        workshop.deliver("all.csv", f"user,item,time,weight\nann,x,{text},1\n".encode())
        workshop.prepare()
        assert workshop.events()["time"].dt.epoch("s").to_list() == [1_700_000_000], form


def test_a_time_without_a_zone_is_unreadable_where_zones_are_promised(workshop: Workshop) -> None:
    workshop.set(prepare__events__time_format="iso8601", prepare__max_quarantine_share=1.0)
    workshop.deliver(
        "all.csv",
        b"user,item,time,weight\nann,x,2023-11-14T22:13:20,1\nann,x,2023-11-14T22:13:20Z,1\n",
    )
    assert workshop.prepare()["quarantined"] == {"time unreadable": 1}


def test_ids_may_be_numbers_uuids_or_text_and_mean_the_same(workshop: Workshop) -> None:
    uuid = "12345678-1234-5678-1234-567812345678"
    table = pl.DataFrame(
        {
            "user": [bytes.fromhex(uuid.replace("-", ""))],
            "item": [7.0],
            "time": [1_700_000_000],
            "weight": [1],
        }
    )
    path = Path("data/logs/all.parquet")
    path.parent.mkdir(parents=True)
    table.write_parquet(path)
    workshop.deliver("text.csv", f"user,item,time,weight\n{uuid},7,1700000001,1\n".encode())
    workshop.prepare()
    assert workshop.events().select("user", "item").unique().rows() == [(uuid, "7")]


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
        "1 of 1 rows are bad",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(workshop: Workshop, mistake: str) -> None:
    files, said = MISTAKES[mistake]
    Path("data").mkdir()
    for name, content in files.items():
        workshop.deliver(name, content)
    with pytest.raises(DataError, match=said) as stopped:
        workshop.prepare()
    assert "\n" not in str(stopped.value)


def test_a_mistake_ends_the_stage_with_a_code_and_keeps_no_half_made_folder(
    workshop: Workshop,
) -> None:
    assert (
        workshop.stage("prepare", "data", "events", "data.json").returncode == UsageError.exit_code
    )
    workshop.deliver("all.csv", b"")
    done = workshop.stage("prepare", "data", "events", "data.json")
    assert (
        done.returncode == DataError.exit_code
        and "is empty" in done.stderr
        and "Traceback" not in done.stderr
    )
    assert {path.name for path in workshop.home.iterdir()} == {"params.yaml", "data", "cache"}


def test_a_rule_without_its_column_is_refused(workshop: Workshop) -> None:
    columns = {
        "user": "user",
        "item": "item",
        "time": "time",
        "sequence": None,
        "weight": None,
        "type": None,
    }
    workshop.deliver("all.csv", as_csv(GOOD))
    for change in ({"prepare__keep_types": ["buy"]}, {"prepare__min_weight": 3}):
        workshop.set(prepare__events__columns=columns, **change)
        with pytest.raises(UsageError, match="names no column"):
            workshop.prepare()


def test_only_chosen_types_are_kept(workshop: Workshop) -> None:
    columns = {
        "user": "user",
        "item": "item",
        "time": "time",
        "sequence": None,
        "weight": None,
        "type": "kind",
    }
    workshop.set(prepare__events__columns=columns, prepare__keep_types=["buy"])
    workshop.deliver(
        "all.csv",
        b"user,item,time,kind\na,x,1700000000,buy\na,y,1700000001,view\na,z,1700000002,\n",
    )
    assert workshop.prepare()["left_out"] == {"type not kept": 2}


def test_titles_and_attributes_come_from_the_item_files(workshop: Workshop) -> None:
    columns = {"item": "id", "title": "name", "others": ["genre"]}
    source = {"files": ["items.jsonl"], "format": "jsonl", "delimiter": None, "columns": columns}
    workshop.set(prepare__items=source, prepare__max_quarantine_share=0.5)
    workshop.deliver("all.csv", as_csv(GOOD[:3]))
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
    assert pl.read_parquet("events/item_attributes.parquet")["genre"].to_list() == [
        None,
        "g",
        None,
        None,
    ]
    assert counts["quarantined"] == {"item without id": 1}
