"""A landing folder on a disk and elsewhere: what lies there, what is complete, what had arrived."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, date, datetime
from pathlib import Path

import boto3
import fsspec
import pytest

from flows.landing import Landed, Landing, had_arrived, is_temporary, matching, read_by_prepare
from slmrec.core.errors import UnavailableError, UsageError
from tests.support.s3 import BUCKET

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_files_are_seen_by_their_names_below_the_folder_with_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "a.csv").write_text("12345")
    os.utime(tmp_path / "events" / "a.csv", (NOON.timestamp(), NOON.timestamp()))
    (tmp_path / "b.csv").write_text("1")
    looked = Landing(f"{tmp_path}/").look()
    assert list(looked) == ["b.csv", "events/a.csv"]
    assert looked["events/a.csv"] == Landed("events/a.csv", 5, NOON)


def test_a_folder_that_is_no_disk_is_read_in_the_same_way(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe({"/landed/days/a.csv": b"some logs"})
    try:
        landing = Landing("memory://landed")
        (file,) = landing.look().values()
        assert (file.name, file.size) == ("days/a.csv", 9)
        assert file.modified is not None and file.modified.tzinfo is not None
        md5 = landing.fetch(file, tmp_path / "new" / "a.csv")
    finally:
        memory.rm("/landed", recursive=True)
    assert (tmp_path / "new" / "a.csv").read_bytes() == b"some logs"
    assert md5 == hashlib.md5(b"some logs").hexdigest()


def test_a_bucket_is_read_as_a_folder_is_and_looked_at_anew(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no landing folder {bucket}/none; make it"):
        Landing(f"{bucket}/none").look()
    boto3.client("s3").put_object(Bucket=BUCKET, Key="landed/days/a.csv", Body=b"some logs")
    landing = Landing(f"{bucket}/landed")
    (file,) = landing.look().values()
    assert (file.name, file.size) == ("days/a.csv", 9)
    assert file.modified is not None and file.modified.tzinfo is not None
    assert landing.fetch(file, tmp_path / "a.csv") == hashlib.md5(b"some logs").hexdigest()
    boto3.client("s3").put_object(Bucket=BUCKET, Key="landed/b.csv", Body=b"more")
    assert list(landing.look()) == ["b.csv", "days/a.csv"]


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no landing folder .*/none; make it"):
        Landing(str(tmp_path / "none")).look()


def test_a_protocol_that_nobody_knows_is_not_available() -> None:
    with pytest.raises(UnavailableError, match="Protocol not known: nowhere"):
        Landing("nowhere://logs")


def test_a_file_that_goes_meanwhile_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match=r"cannot be read: .*gone\.csv.*try again"):
        Landing(str(tmp_path)).fetch(Landed("gone.csv", 1, NOON), tmp_path / "copy")


@pytest.mark.parametrize(
    "name",
    [".day.csv", "day.csv.part", "day.csv~", "_temporary/0/day.csv", ".staging/day.csv", "a.tmp"],
)
def test_a_name_of_a_writer_at_work_is_not_complete(name: str) -> None:
    assert is_temporary(Landed(name, 5, NOON))


def test_a_plain_name_is_complete_unless_the_file_is_empty() -> None:
    assert not is_temporary(Landed("events/date=2026-03-01/part-0.parquet", 5, NOON))
    assert is_temporary(Landed("day.csv", 0, NOON))


@pytest.mark.parametrize(("day", "arrived"), [(28, False), (1, True), (2, True)])
def test_what_was_changed_before_the_end_of_a_day_had_arrived(day: int, arrived: bool) -> None:
    known = date(2026, 2 if day == 28 else 3, day)
    assert had_arrived(Landed("a.csv", 5, NOON), known) is arrived


def test_midnight_belongs_to_the_next_day() -> None:
    midnight = Landed("a.csv", 5, datetime(2026, 3, 2, tzinfo=UTC))
    assert not had_arrived(midnight, date(2026, 3, 1))


def test_without_a_time_a_date_cannot_be_kept() -> None:
    with pytest.raises(UsageError, match=r"not known when a\.csv arrived; leave the date out"):
        had_arrived(Landed("a.csv", 5, None), date(2026, 3, 1))


def test_names_match_as_files_below_data_do_and_the_index_is_no_log() -> None:
    names = ["a.inter", "x/a.inter", "x/y/a.parquet", "notes.txt", "index/items.parquet"]
    assert matching(names, ["*.inter"]) == {"a.inter"}
    assert matching(names, ["**/*.inter"]) == {"a.inter", "x/a.inter"}
    assert read_by_prepare(names, ["*.inter", "**/*.parquet"]) == {"a.inter", "x/y/a.parquet"}
