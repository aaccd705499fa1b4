"""Parsed chunks are read from the cache, under a key of all they depend on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from slmrec.params.prepare import EventSource, PrepareParams
from slmrec.preprocessing.events import chunk_store
from slmrec.preprocessing.events.chunk_store import LISTING, chunks_of, parse_key
from slmrec.preprocessing.events.deliveries import GROUP_FILES, Delivered
from slmrec.preprocessing.logs.log_files import LogFile
from slmrec.preprocessing.logs.text_blocks import RowBatch
from tests.support.logs import START, Workshop, as_csv, params


def delivered(tmp_path: Path, name: str, content: bytes) -> Delivered:
    path = tmp_path / name
    path.write_bytes(content)
    return Delivered(LogFile(path, name, "csv", {}), digest=name)


def a_line(number: int) -> bytes:
    return as_csv([(f"user {number}", f"item {number}", START + number, 1.0)])


P = PrepareParams.model_validate(params()["prepare"])


@pytest.mark.parametrize(
    ("change", "matters"),
    [
        ({"prepare__earliest": "1980-01-01T00:00:00Z"}, True),
        ({"prepare__min_weight": 2.0}, True),
        ({"prepare__events__time_format": "epoch_ms"}, True),
        ({"prepare__events__files": ["other/*"]}, False),
        ({"prepare__seed": 3}, False),
        ({"prepare__max_history": 3}, False),
    ],
)
def test_the_key_holds_what_parsing_depends_on(change: dict[str, object], matters: bool) -> None:
    changed = PrepareParams.model_validate(params(**change)["prepare"])
    assert (parse_key(changed) != parse_key(P)) == matters


def test_small_files_of_a_group_become_one_chunk_that_knows_their_names(tmp_path: Path) -> None:
    group = [delivered(tmp_path, f"{number}.csv", a_line(number)) for number in range(3)]
    ((chunk,),) = chunks_of([group], P, tmp_path / "cache")
    assert chunk.files == ("0.csv", "1.csv", "2.csv") and chunk.rows == 3
    assert chunk.origins().rows() == [(0, 1), (1, 1), (2, 1)]


def test_a_chunk_is_closed_before_it_holds_too_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunk_store, "BATCH_ROWS", 2)
    group = [delivered(tmp_path, f"{number}.csv", a_line(number)) for number in range(5)]
    (chunks,) = chunks_of([group], P, tmp_path / "cache")
    assert [chunk.rows for chunk in chunks] == [2, 2, 1]
    assert [chunk.name[-5:] for chunk in chunks] == ["00000", "00001", "00002"]


def test_a_group_without_a_row_has_no_chunk_and_is_not_read_again(tmp_path: Path) -> None:
    empty = delivered(tmp_path, "a.csv", b"user,item,time,weight\n")
    assert list(chunks_of([[empty]], P, tmp_path / "cache")) == [[]]
    assert len(list((tmp_path / "cache").glob(f"*/{LISTING}"))) == 1
    empty.file.path.unlink()
    assert list(chunks_of([[empty]], P, tmp_path / "cache")) == [[]]


def test_a_group_that_was_left_half_written_is_written_again(tmp_path: Path) -> None:
    group = [delivered(tmp_path, "a.csv", a_line(1))]
    ((chunk,),) = chunks_of([group], P, tmp_path / "cache")
    (chunk.path.parent / LISTING).unlink()
    chunk.path.write_bytes(b"half")
    ((again,),) = chunks_of([group], P, tmp_path / "cache")
    assert len(pl.read_ipc(again.path)) == 1


def test_only_what_changed_is_read_again(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    read_batches = chunk_store.read_batches

    def noted(file: LogFile, source: EventSource, wanted: list[str]) -> Iterator[RowBatch]:
        names.append(file.name)
        return read_batches(file, source, wanted)

    def event_inodes() -> dict[Path, int]:
        partitions = Path("cache/prepare/generation/partitions")
        return {path: path.stat().st_ino for path in partitions.rglob("events.parquet")}

    monkeypatch.setattr(chunk_store, "read_batches", noted)
    workshop.deliver_days(range(60))
    workshop.prepare()
    assert len(names) == 60
    names.clear()
    before = event_inodes()
    workshop.deliver_days(range(60, 61))
    workshop.prepare()
    assert len(names) <= 2 * GROUP_FILES and "logs/day=060/events.csv" in names
    after = event_inodes()
    assert sum(after[path] != inode for path, inode in before.items()) == 1, (
        "only the newest partition is made again"
    )


def test_what_a_run_did_not_use_is_forgotten(workshop: Workshop) -> None:
    for number in range(3):
        workshop.clear()
        workshop.deliver_days(range(number, number + 2))
        workshop.prepare()
    assert len(list(Path("cache/prepare/chunks").iterdir())) <= 2
