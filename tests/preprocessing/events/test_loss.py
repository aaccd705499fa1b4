"""Lost rows are counted by source and by file; too many stop the run, few are one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from tests.support.logs import START, Workshop, as_csv, item_source

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(1000)]


def bad_times(rows: int) -> bytes:
    return b"user,item,time,weight\n" + b"a very long name of a user" * 4 + b",x,noon,1\n" * rows


def test_a_file_of_nothing_but_bad_rows_stops_the_run_whatever_its_share(
    workshop: Workshop,
) -> None:
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("good.csv", as_csv(GOOD))
    workshop.deliver("night.csv", bad_times(1) + b"a,x,night,1\n")
    expected = (
        r"2 of 2 rows of logs/night.csv are bad, 100.00%, so none is left: 2 time unreadable "
        r"\(logs/night.csv row 1: 'noon', logs/night.csv row 2: 'night'\); mend the logs"
    )
    with pytest.raises(DataError, match=expected) as stopped:
        workshop.prepare()
    assert "raise" not in str(stopped.value) and "\n" not in str(stopped.value)


def test_items_are_counted_by_themselves(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD))
    Path("data/items.csv").write_text("id\n" + "x\n" * 20 + '""\n' * 2)
    workshop.set(prepare__items=item_source("items.csv"), prepare__max_quarantine_share=0.05)
    with pytest.raises(DataError, match=r"2 of 22 rows of items are bad, 9\.09%"):
        workshop.prepare()


def test_item_files_without_a_row_stop_the_run(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD))
    Path("data/items.csv").write_text("id\n")
    workshop.set(prepare__items=item_source("items.csv"))
    with pytest.raises(DataError, match=r"the item files \(items.csv\) hold no row"):
        workshop.prepare()


def test_a_file_that_loses_more_than_its_share_stops_the_run(workshop: Workshop) -> None:
    workshop.set(prepare__max_quarantine_share=0.05)
    workshop.deliver("good.csv", as_csv(GOOD))
    few, many = b"ann,x,noon,1\n" * 10, b"ann,x,noon,1\n" * 11
    workshop.deliver("late.csv", as_csv(GOOD[:50]) + few)
    assert workshop.prepare()["quarantined"] == {"time unreadable": 10}, "ten may be chance"
    workshop.deliver("late.csv", as_csv(GOOD[:50]) + many)
    with pytest.raises(DataError, match=r"11 of 61 rows of logs/late.csv are bad, 18\.03%"):
        workshop.prepare()


def test_a_single_bad_row_stops_nothing_unless_none_is_allowed(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv(GOOD[:9]) + b"ann,x,noon,1\n")
    workshop.set(prepare__max_quarantine_share=0.01)
    assert workshop.prepare()["events"] == 9
    workshop.set(prepare__max_quarantine_share=0.0)
    with pytest.raises(DataError, match="1 of 10 rows of events are bad"):
        workshop.prepare()


def test_what_is_lost_below_the_share_is_one_line_for_each_source(
    workshop: Workshop, capsys: pytest.CaptureFixture[str]
) -> None:
    workshop.deliver("all.csv", as_csv(GOOD) + b"ann,x,noon,1\n,x,%d,1\n" % START)
    workshop.deliver("empty.csv", b"user,item,time,weight\n")
    Path("data/items.csv").write_text("id\n" + "".join(f"item {n}\n" for n in range(999)) + '""\n')
    workshop.set(prepare__items=item_source("items.csv"), prepare__max_quarantine_share=0.01)
    workshop.prepare()
    events, items = capsys.readouterr().err.splitlines()
    assert events == (
        "prepare: 2 of 1002 rows of events are set aside, 0.20%: "
        f"1 no user (logs/all.csv row 1002: 'null | x | {START} | 1'); "
        "1 time unreadable (logs/all.csv row 1001: 'noon'); all of them are in quarantine.parquet; "
        "no row in logs/empty.csv"
    )
    assert items.startswith("prepare: 1 of 1000 rows of items are set aside, 0.10%: 1 item without")


def test_a_file_in_another_unit_than_the_others_is_to_be_written_again(
    workshop: Workshop,
) -> None:
    workshop.deliver("a.csv", as_csv(GOOD))
    odd = [(user, item, time * 1000, weight) for user, item, time, weight in GOOD[:20]]
    workshop.deliver("b.csv", as_csv(odd))
    expected = r"20 of 20 rows of logs/b.csv.* these are epoch_ms, and most times are not: write"
    with pytest.raises(DataError, match=expected):
        workshop.prepare()
