"""Rows that are set aside have a file, a row and a reason, and too many bad ones stop the run."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from slmrec.core import tables
from slmrec.core.errors import DataError
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events.faults import BAD_ROWS
from slmrec.preprocessing.events.loss import EVENTS
from slmrec.preprocessing.events.quarantine import DUPLICATE, Quarantine
from tests.support.logs import START, Workshop, as_csv, params

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]


def bad_rows(reason: str, *texts: str) -> pl.DataFrame:
    columns = {"row": range(1, len(texts) + 1), "reason": [reason] * len(texts), "text": texts}
    return pl.DataFrame({**columns, "value": [None] * len(texts)}, BAD_ROWS)


def test_faults_and_what_rules_leave_out_are_counted_apart(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "scratch")
    quarantine.add(bad_rows("no user", "a", "b"), "x.csv")
    quarantine.add(bad_rows("malformed line", "c"), "y.csv")
    quarantine.add_rows(pl.Series([7, 8, 9]), DUPLICATE, "y.csv")
    quarantine.add_rows(pl.Series([10]), "repeat", "y.csv")
    assert quarantine.bad() == {"malformed line": 1, "no user": 2}
    assert quarantine.left_out() == {"duplicate": 3, "repeat": 1}
    quarantine.write(tmp_path / "quarantine.parquet")
    table = tables.read_table(tmp_path / "quarantine.parquet", tables.QUARANTINE)
    assert len(table) == 7 and table.row(-1) == ("y.csv", 10, "repeat", None)
    assert not (tmp_path / "scratch").exists()


def test_without_a_row_the_table_is_empty_but_there(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "scratch")
    quarantine.add(bad_rows("no user"), "x.csv")
    quarantine.write(tmp_path / "quarantine.parquet")
    assert len(tables.read_table(tmp_path / "quarantine.parquet", tables.QUARANTINE)) == 0


def test_the_share_of_bad_rows_may_be_reached_but_not_passed(tmp_path: Path) -> None:
    p = PrepareParams.model_validate(params(prepare__max_quarantine_share=0.02)["prepare"])
    quarantine = Quarantine(tmp_path / "scratch")
    quarantine.count_rows(EVENTS, "x.csv", 99)
    quarantine.add(bad_rows("no user", "a", "b"), "x.csv")
    quarantine.add_rows(pl.Series([7, 8, 9]), DUPLICATE, "y.csv")
    expected = r"2 of 99 rows of events are bad, 2\.02%, allowed are 2\.00%"
    with pytest.raises(DataError, match=expected):
        quarantine.check(EVENTS, p)
    quarantine.count_rows(EVENTS, "y.csv", 1)
    quarantine.check(EVENTS, p)  # 2 of 100 rows are bad; duplicates are no fault


def test_too_many_bad_rows_stop_the_run_with_the_worst_reasons_and_examples(
    workshop: Workshop,
) -> None:
    workshop.set(prepare__max_quarantine_share=0.01)
    lines = (
        b"ann,,1700000000,1\n" * 3 + b"short\n" * 2 + b",x,1700000000,1\n" * 2 + b"ann,x,noon,1\n"
    )
    workshop.deliver("all.csv", as_csv(GOOD) + lines)
    with pytest.raises(DataError, match="8 of 208 rows of events are bad") as stopped:
        workshop.prepare()
    message = str(stopped.value)
    assert "3 no item (logs/all.csv row 201: 'ann | null | 1700000000 | 1', logs" in message
    assert "2 malformed line" in message and "time unreadable" not in message
    assert "\n" not in message and not Path("events").exists()


def test_bad_rows_with_uuids_are_shown(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)
    columns = {"user": [bytes(range(240, 256))] * 3, "item": [b"\xff" * 16, None, b"\xff" * 16]}
    stream = io.BytesIO()
    pl.DataFrame({**columns, "time": [START] * 3, "weight": [1] * 3}).write_parquet(stream)
    workshop.deliver("all.parquet", stream.getvalue())
    assert workshop.prepare()["quarantined"] == {"no item": 1}


def test_what_a_rule_leaves_out_is_in_the_quarantine_but_is_no_fault(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.0, prepare__min_weight=2.0, prepare__max_history=3)
    events = [
        (user, item, time, 1 + number % 2) for number, (user, item, time, _) in enumerate(GOOD)
    ]
    workshop.deliver("all.csv", as_csv(events))
    counts = workshop.prepare()
    # half of 200 weigh too little; 5 users keep 3 of their 20
    assert counts["left_out"] == {"beyond longest history": 85, "weight below minimum": 100}
    assert counts["events"] == 15 and len(workshop.quarantine()) == 185
    assert counts["items_numbered"] == 200, "an index is given before any rule"


def test_the_rows_of_a_copied_file_are_duplicates_under_its_name(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)
    content = as_csv(GOOD[:3]) + b"ann,x,noon,1\n"
    workshop.deliver("a.csv", content)
    workshop.deliver("b.csv", content)
    counts = workshop.prepare()
    assert counts["rows"] == 8 and counts["left_out"] == {"duplicate": 3}
    copy = workshop.quarantine().filter(pl.col("file") == "logs/b.csv")
    assert copy.select("row", "reason").rows() == [
        (1, "duplicate"),
        (2, "duplicate"),
        (3, "duplicate"),
        (4, "time unreadable"),
    ]
