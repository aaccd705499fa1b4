"""The record of what was taken: read, written, asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows.landing import Landed
from flows.taken import Committing, KeptBack, Look, Record, Taken
from slmrec.core.errors import DataError, UsageError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = Landed("a.csv", 5, NOON)


def taken(file: Landed) -> Taken:
    return Taken(name=file.name, size=file.size, modified=file.modified, md5="m", version="1.0.0")


def test_it_comes_back_as_it_was_written(tmp_path: Path) -> None:
    kept = KeptBack(files=[Look.of(FILE)], commit="c", verdict="worse")
    record = Record(files=[taken(FILE)], kept_back=kept, to_push=True)
    assert Record.read(tmp_path / "taken.json") == Record()
    record.write(tmp_path / "taken.json")
    assert Record.read(tmp_path / "taken.json") == record


@pytest.mark.parametrize("text", ['{"files": 3}', '{"unknown": 1}', "{"])
def test_a_damaged_one_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "taken.json").write_text(text)
    with pytest.raises(DataError, match=r"taken\.json is (damaged|not JSON)"):
        Record.read(tmp_path / "taken.json")


def test_new_is_what_has_another_name_size_or_time() -> None:
    others = [Landed("b.csv", 5, NOON), Landed("a.csv", 6, NOON), Landed("a.csv", 5, None)]
    assert Record(files=[taken(FILE)]).new_among([FILE, *others]) == others


def test_the_very_same_files_with_the_same_code_were_kept_back() -> None:
    kept = KeptBack(files=[Look.of(FILE)], commit="c", verdict="worse")
    record, more = Record(kept_back=kept), [FILE, Landed("b.csv", 5, NOON)]
    assert record.were_kept_back([FILE], "c")
    assert not record.were_kept_back([FILE], "another commit")
    assert not record.were_kept_back(more, "c")
    assert not Record().were_kept_back([], "c")


def test_what_came_later_than_a_date_forbids_to_go_back_to_it() -> None:
    record = Record(files=[taken(FILE)])
    record.check_date(date(2026, 3, 1))
    with pytest.raises(UsageError, match=r"a\.csv came after 2026-02-28 and is taken already"):
        record.check_date(date(2026, 2, 28))


def test_what_a_killed_run_committed_is_taken_and_what_it_did_not_commit_is_not() -> None:
    kept = KeptBack(files=[], commit="c", verdict="worse")
    committing = Committing(tip="before", files=[taken(FILE)])
    record = Record(kept_back=kept, to_push=True, committing=committing)
    assert record.settled("after") == Record(files=[taken(FILE)], to_push=True)
    assert record.settled("before") == Record(kept_back=kept, to_push=True)
    assert Record(files=[taken(FILE)]).settled("after") == Record(files=[taken(FILE)])
