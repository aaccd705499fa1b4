"""What prepare would stop at is told from the first rows of the files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import DataError
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events import preview
from slmrec.preprocessing.events.preview import Preview, preview_events, preview_items
from tests.support.logs import START, Workshop, as_csv, event_columns, item_source, params

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(40)]
BAD = "".join(f"ann,x,{START + number}000,1\n" for number in range(40)).encode()


def previewed(**changes: Any) -> Preview:
    return preview_events(Path("data"), PrepareParams.model_validate(params(**changes)["prepare"]))


def test_files_and_bad_rows_are_counted(workshop: Workshop) -> None:
    workshop.deliver("a.csv", as_csv(GOOD) + b"ann,x,noon,1\n")
    workshop.deliver("b.csv", b"user,item,time,weight\n")
    assert previewed() == Preview(files=2, rows=41, bad=1, doubt="")
    assert previewed().line("events") == "2 of events, 1 of their first 41 rows bad"


def test_a_wrong_unit_is_told_with_the_right_one(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv([]) + BAD)
    with pytest.raises(DataError, match=r"40 of 40 rows of logs/all.csv .*time_format: epoch_ms"):
        previewed()


def test_of_a_long_file_only_the_first_rows_count(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "FIRST_ROWS", 20)
    workshop.deliver("all.csv", as_csv(GOOD) + b"ann,x,noon,1\n" * 90)
    assert (previewed().rows, previewed().bad) == (20, 0)
    workshop.deliver("all.csv", as_csv(GOOD[:9]) + BAD + as_csv(GOOD)[22:])
    with pytest.raises(DataError, match=r"11 of 20 first rows of logs/all.csv are bad, 55.00%"):
        previewed()
    workshop.deliver("all.csv", as_csv(GOOD[:10]) + BAD)
    assert previewed().bad == 10, "half of them may be"


def test_old_events_at_the_beginning_of_a_long_file_stop_nothing(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "FIRST_ROWS", 20)
    workshop.deliver("all.csv", as_csv(GOOD))
    assert previewed(prepare__earliest="2040-01-01T00:00:00Z").bad == 20


def test_items_are_read_too(workshop: Workshop) -> None:
    Path("data").mkdir()
    Path("data/items.csv").write_text("id,name\nx,One\n,Two\n,Three\n")
    changes = {"prepare__items": item_source("items.csv", title="name")}
    p = PrepareParams.model_validate(params(**changes)["prepare"])
    with pytest.raises(DataError, match=r"2 of 3 rows of items are bad.* 2 item without id"):
        preview_items(Path("data"), p)
    Path("data/items.csv").write_text("id,name\nx,One\n")
    assert preview_items(Path("data"), p) == Preview(files=1, rows=1, bad=0, doubt="")
    assert preview_items(Path("data"), PrepareParams.model_validate(params()["prepare"])) is None


def test_lists_written_as_text_are_mentioned(workshop: Workshop) -> None:
    workshop.deliver("all.tsv", b"user\titem\ttime\tweight\nann\t['x', 'y']\t%d\t1\n" % START)
    assert "column item looks like lists written as text" in previewed().doubt


@pytest.mark.parametrize(
    ("item", "is_series"),
    [("N1 N23 N4", True), ("N1", False), ("item 12", False), ("Toy Story 2 of 3", False)],
)
def test_a_column_of_several_ids_is_mentioned(
    workshop: Workshop, item: str, is_series: bool
) -> None:
    events = [("ann", item, START + number, 1.0) for number in range(9)]
    workshop.deliver("all.csv", as_csv(events))
    columns = event_columns()
    assert ('list_separator: " "' in previewed().doubt) == is_series
    changes: dict[str, Any] = {"prepare__events__columns": columns}
    explode = {"prepare__events__lists": "explode", "prepare__events__list_separator": " "}
    assert previewed(**changes, **explode).doubt == ""
