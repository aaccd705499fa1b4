"""What a run leaves for the next is replaced when it succeeds, and only then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slmrec.core.errors import DataError
from slmrec.params.prepare import PrepareParams
from slmrec.preprocessing.events import snapshot
from slmrec.preprocessing.events.chunk import EVENT_COLUMNS, Chunk
from slmrec.preprocessing.events.snapshot import Generation, new_generation
from tests.support.logs import Workshop, params

P = PrepareParams.model_validate(params()["prepare"])
NO_IDS = pl.Series("id", [], dtype=pl.String)


def make_chunk(tmp_path: Path, name: str, users: list[str], items: list[str], us: int) -> Chunk:
    """A chunk, alone in its group, with an event of each user and item at the microsecond `us`."""
    path = tmp_path / name / "00000.arrow"
    path.parent.mkdir()
    rows = [(code, code, us, 0, 1.0, 0, code + 1) for code in range(len(users))]
    pl.DataFrame(rows, schema=EVENT_COLUMNS, orient="row").write_ipc(
        path, compression="uncompressed"
    )
    first = [us] * len(users)
    ids = {"users_id": [users], "users_first_us": [first]}
    ids |= {"items_id": [items], "items_first_us": [first]}
    pl.DataFrame(ids).write_parquet(path.with_suffix(".ids"))
    size = len(users)
    return Chunk(path, size, np.array([0]), np.array([size]), ("a.csv",), {0: size})


def take(generation: Generation) -> int:
    return sum(partition.events for partition in generation.partitions)


def file_contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ids_are_numbered_by_the_previous_index_then_appearance_then_the_item_files(
    tmp_path: Path,
) -> None:
    chunks = [
        make_chunk(tmp_path, "a", ["bob", "ann"], ["y", "x"], us=5),
        make_chunk(tmp_path, "b", ["eve"], ["w"], us=1),
    ]
    known, listed = pl.Series("id", ["k", "x"]), pl.Series("id", ["x", "new"])
    with new_generation(chunks, known, listed, P, tmp_path / "cache") as generation:
        assert take(generation) == 3
    assert generation.users["id"].to_list() == ["eve", "ann", "bob"]
    assert generation.items.rows() == [("k", None), ("x", 5), ("w", 1), ("y", 5), ("new", None)]


def test_a_run_that_fails_leaves_the_last_generation(tmp_path: Path) -> None:
    first = [make_chunk(tmp_path, "a", ["ann"], ["x"], us=5)]
    with new_generation(first, NO_IDS, NO_IDS, P, tmp_path / "cache") as generation:
        take(generation)
    files = file_contents(tmp_path / "cache")
    second = [*first, make_chunk(tmp_path, "b", ["bob"], ["y"], us=6)]

    def fail_halfway() -> None:
        with new_generation(second, NO_IDS, NO_IDS, P, tmp_path / "cache") as generation:
            next(generation.partitions)
            raise DataError("no event is left")

    with pytest.raises(DataError, match="no event is left"):
        fail_halfway()
    assert file_contents(tmp_path / "cache") == files and len(files) > 0


def test_first_appearances_of_old_groups_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks = [
        make_chunk(tmp_path, name, [f"user {name}"], ["x"], us=place)
        for place, name in enumerate("abc")
    ]
    cache_dir = tmp_path / "cache"
    with new_generation(chunks[:2], NO_IDS, NO_IDS, P, cache_dir) as generation:
        take(generation)
    scanned: list[str] = []
    scan_ids = Chunk.scan_ids

    def noted(chunk: Chunk, kind: str) -> pl.LazyFrame:
        scanned.append(chunk.group)
        return scan_ids(chunk, kind)

    monkeypatch.setattr(Chunk, "scan_ids", noted)
    with new_generation(chunks, NO_IDS, NO_IDS, P, cache_dir) as generation:
        take(generation)
    # a was settled; b was the newest group and may have grown; c is the newest now
    assert set(scanned) == {"b", "c"}
    assert generation.users["id"].to_list() == ["user a", "user b", "user c"]


def test_a_group_that_is_gone_takes_its_ids_with_it(tmp_path: Path) -> None:
    chunks = [
        make_chunk(tmp_path, name, [f"user {name}"], ["x"], us=place)
        for place, name in enumerate("abc")
    ]
    for present in (chunks, chunks[1:]):
        with new_generation(present, NO_IDS, NO_IDS, P, tmp_path / "cache") as generation:
            take(generation)
    assert generation.users["id"].to_list() == ["user b", "user c"]


def test_a_run_of_prepare_that_fails_leaves_the_cache_and_the_output(workshop: Workshop) -> None:
    workshop.deliver_days(range(3))
    workshop.prepare()
    folder = Path("cache/prepare") / snapshot.FOLDER
    files = file_contents(folder)
    workshop.deliver_days(range(3, 4))
    workshop.set(prepare__min_user_events=1000)
    with pytest.raises(DataError, match="no event is left"):
        workshop.prepare()
    assert file_contents(folder) == files
    assert not list(Path("cache/prepare").glob(".*")), "nothing half made is left"
    assert Path("events/items.parquet").is_file()
