"""An id is the same text whatever file, format, type and neighbours it comes with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slmrec.core.errors import DataError
from slmrec.params.prepare import ItemSource
from slmrec.preprocessing.events.catalogue import read_catalogue
from slmrec.preprocessing.events.id_text import NO_ID, as_id
from slmrec.preprocessing.logs.values import as_text
from tests.support.logs import START, Workshop, item_source

UUID = "12345678-1234-5678-1234-567812345678"
UUID_BYTES = bytes.fromhex(UUID.replace("-", ""))


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (pl.Series([7, None]), ["7", None]),
        (pl.Series([2**63], dtype=pl.UInt64), ["9223372036854775808"]),
        (pl.Series([7.0, None, 7.5, -3.0]), ["7", None, "7.5", "-3"]),
        (pl.Series([float("nan"), float("inf"), 1e5]), [None, None, "100000"]),
        (pl.Series([2.0**63, 1.0]), ["9223372036854775808", "1"]),
        (pl.Series([3.0], dtype=pl.Float32), ["3"]),
        (pl.Series([Decimal("12.00"), Decimal("1.50")]), ["12", "1.50"]),
        (pl.Series(["7", "a b", None]), ["7", "a b", None]),
        (pl.Series(["12.0", "12.000", "-5.0", "007.0"]), ["12", "12", "-5", "007"]),
        (pl.Series(["007", "0108775015", "1.50", "1.0.0"]), ["007", "0108775015", "1.50", "1.0.0"]),
        (pl.Series(["nan", "NaN", ".0", "v1.0", "1e5"]), ["nan", "NaN", ".0", "v1.0", "1e5"]),
        (pl.Series(["x", "2.0"], dtype=pl.Categorical), ["x", "2"]),
        (pl.Series([None], dtype=pl.Null), [None]),
        (pl.Series([UUID_BYTES, b"short"]), [UUID, None]),
    ],
    ids=str,
)
def test_ids_are_text(column: pl.Series, ids: list[str | None]) -> None:
    assert as_id(column).to_list() == ids


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pl.Series("when", [date(2026, 11, 23)]), "column when is Date, which is no id; name anot"),
        (pl.Series("ok", [True]), "column ok is Boolean, which is no id"),
        (pl.Series("it", [{"a": 1}]), r"column it is Struct.*, which is no id"),
        (pl.Series("it", [[1]]), r"holds lists \(List.*set prepare.events.lists: explode"),
    ],
    ids=["dates", "booleans", "objects", "lists"],
)
def test_a_column_that_can_hold_no_id_is_told(column: pl.Series, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_id(column)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (12.0, "12"),
        (1e5, "100000"),
        (1e16, "10000000000000000"),
        (1.5, "1.5"),
        (1e-7, "0.0000001"),
        (2**63, "9223372036854775808"),
        ("007", "007"),
        ("nan", "nan"),
        (float("nan"), None),
        (float("inf"), None),
        (None, None),
    ],
)
def test_a_value_of_json_is_the_text_that_the_fast_parser_makes_of_it(
    value: Any, text: str | None
) -> None:
    assert as_text(value) == as_text(value, no_lists=True) == text
    if text is not None:
        line = json.dumps({"id": value}).encode()
        assert pl.read_ndjson(line, schema={"id": pl.String})["id"].to_list() == [text]


@pytest.mark.parametrize(
    ("value", "marked"),
    [([3, 9.0, None], '["3", "9", null]'), ({"a": 1}, '{"a": 1}'), (True, "true"), ((1,), '["1"]')],
)
def test_a_value_that_is_no_scalar_is_marked_where_an_id_is_wanted(value: Any, marked: str) -> None:
    assert as_text(value, no_lists=True, no_booleans=True) == NO_ID + marked
    assert NO_ID not in str(as_text(value)), "elsewhere it is plain text"


NUMBERS = st.lists(
    st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(1, 99), min_size=1, max_size=9
)
QUICK = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],
)


def parquet(values: list[Any], dtype: pl.DataType) -> bytes:
    stream = io.BytesIO()
    pl.DataFrame({"id": pl.Series(values, dtype=dtype)}).write_parquet(stream)
    return stream.getvalue()


def csv(values: list[Any], spoilt: bytes = b"") -> bytes:
    return b"id,other\n" + spoilt + "".join(f"{value},\n" for value in values).encode()


def jsonl(values: list[Any], spoilt: bytes = b"") -> bytes:
    return spoilt + "".join(json.dumps({"id": value}) + "\n" for value in values).encode()


SPOILT = b'"not closed, \0\n'
Form = tuple[str, Callable[[list[int]], bytes]]
NUMBER_FORMS: dict[str, Form] = {
    "parquet integers": ("parquet", lambda ids: parquet(ids, pl.Int64())),
    "parquet floats": ("parquet", lambda ids: parquet([float(i) for i in ids], pl.Float64())),
    "parquet text": ("parquet", lambda ids: parquet([str(i) for i in ids], pl.String())),
    "parquet text of floats": (
        "parquet",
        lambda ids: parquet([f"{i}.0" for i in ids], pl.String()),
    ),
    "csv": ("csv", csv),
    "csv of floats": ("csv", lambda ids: csv([f"{i}.0" for i in ids])),
    "csv with a bad line": ("csv", lambda ids: csv(ids, SPOILT)),
    "csv of floats with a bad line": ("csv", lambda ids: csv([f"{i}.0" for i in ids], SPOILT)),
    "csv with quotes": ("csv", lambda ids: csv([f'"{i}"' for i in ids])),
    "json integers": ("jsonl", jsonl),
    "json floats": ("jsonl", lambda ids: jsonl([float(i) for i in ids])),
    "json text": ("jsonl", lambda ids: jsonl([str(i) for i in ids])),
    "json floats with a bad line": ("jsonl", lambda ids: jsonl([float(i) for i in ids], SPOILT)),
    "json integers with a bad line": ("jsonl", lambda ids: jsonl(ids, SPOILT)),
}


@QUICK
@given(ids=NUMBERS)
@pytest.mark.parametrize("form", NUMBER_FORMS)
def test_whole_numbers_are_the_same_ids_in_every_format(
    tmp_path: Path, form: str, ids: list[int]
) -> None:
    suffix, write = NUMBER_FORMS[form]
    (tmp_path / f"items.{suffix}").write_bytes(write(ids))
    catalogue = read_catalogue(tmp_path, ItemSource.model_validate(item_source("items.*")))
    (tmp_path / f"items.{suffix}").unlink()
    assert set(catalogue.items["id"]) == {str(number) for number in ids}


TEXTS = st.lists(st.from_regex(r"\A[0-9]{0,4}[a-z._ -]{0,3}[0-9]{1,4}\Z"), min_size=1, max_size=9)


@QUICK
@given(ids=TEXTS)
def test_texts_are_the_same_ids_in_every_format(tmp_path: Path, ids: list[str]) -> None:
    contents = {
        "a.parquet": parquet(ids, pl.String()),
        "b.csv": csv(ids),
        "c.csv": csv(ids, SPOILT),
        "d.jsonl": jsonl(ids),
        "e.jsonl": jsonl(ids, SPOILT),
    }
    read = {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        catalogue = read_catalogue(tmp_path, ItemSource.model_validate(item_source(name)))
        read[name] = set(catalogue.items["id"])
    assert all(found == set(as_id(pl.Series(ids))) for found in read.values()), read


def test_events_and_items_spell_ids_alike(workshop: Workshop) -> None:
    item_files = {
        "items.parquet": parquet([7.0, None, 8.0], pl.Float64()),
        "items.csv": csv(["7.0", "8"]),
        "items.jsonl": jsonl([7.0, "8"], SPOILT),
    }
    events = {
        "a.csv": b"user,item,time,weight\nann,7.0,%d,1\nann,8,%d,1\n" % (START, START + 1),
        "a.jsonl": b'{"user":"ann","item":7.0,"time":%d,"weight":1}\n' % START
        + b'{"user":"ann","item":"8.0","time":%d,"weight":1}\n' % START,
    }
    for name, content in events.items():
        for item_name, listed in item_files.items():
            workshop.set(prepare__items=item_source(item_name), prepare__max_quarantine_share=0.6)
            workshop.deliver(name, content)
            Path("data", item_name).write_bytes(listed)
            counts = workshop.prepare()
            assert (counts["items_numbered"], counts["events_listed_share"]) == (2, 1.0), item_name
        workshop.clear()


def test_missing_ids_are_none_whatever_writes_them(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=1.0)
    good = b'{"user":"nan","item":1,"time":%d,"weight":1}\n' % START
    missing = b"".join(
        b'{"user":%s,"item":1,"time":%d,"weight":1}\n' % (value, START)
        for value in (b"NaN", b"null")
    )
    workshop.deliver("all.jsonl", good + missing)
    assert workshop.prepare()["quarantined"] == {"no user": 2}
    assert workshop.events()["user"].to_list() == ["nan"], "the text is an id"


def test_uuids_are_text_in_the_item_table_too(workshop: Workshop) -> None:
    events = {"user": ["ann"], "item": [UUID_BYTES], "time": [START], "weight": [1]}
    stream = io.BytesIO()
    pl.DataFrame(events).write_parquet(stream)
    workshop.deliver("all.parquet", stream.getvalue())
    Path("data/items.parquet").write_bytes(parquet([UUID_BYTES], pl.Binary()))
    workshop.set(prepare__items=item_source("items.parquet"))
    assert workshop.prepare()["items_numbered"] == 1
    assert workshop.events().select("user", "item").rows() == [("ann", UUID)]


def test_ids_may_be_numbers_uuids_or_text_and_mean_the_same(workshop: Workshop) -> None:
    columns = {"user": [UUID_BYTES], "item": [7.0], "time": [START], "weight": [1]}
    stream = io.BytesIO()
    pl.DataFrame(columns).write_parquet(stream)
    workshop.deliver("all.parquet", stream.getvalue())
    workshop.deliver("text.csv", f"user,item,time,weight\n{UUID},7,1700000001,1\n".encode())
    workshop.prepare()
    assert workshop.events().select("user", "item").unique().rows() == [(UUID, "7")]
