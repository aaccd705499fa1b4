"""Parts are scored in processes that take no more than they work on, and end with their parent."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from slmrec.core.errors import BundleError, UnavailableError
from slmrec.core.files import sha256_of
from slmrec.scoring.lists import Lists
from slmrec.scoring.source import SCHEMA
from slmrec.scoring.workers import Work, write_parts
from tests.support.scored import walks, written_parts, written_rows

HISTORIES = pa.table([[f"u{user}" for user in range(30)], walks(30)], schema=SCHEMA)


@pytest.fixture
def work(small_bundle: Path, tmp_path: Path) -> Work:
    digest = sha256_of(small_bundle / "MANIFEST.sha256")
    return Work(small_bundle, digest, "cpu", Lists(5, True), tmp_path, "made")


def test_processes_write_the_same_parts_and_never_hold_many(work: Work, tmp_path: Path) -> None:
    taken: list[int] = []

    def parts() -> Iterator[tuple[int, pa.Table]]:
        for part in range(9):
            taken.append(part)
            yield part, HISTORIES.slice(3 * part, 3)

    (tmp_path / "two").mkdir()
    done = 0
    for users in write_parts(replace(work, out=tmp_path / "two"), parts(), 2):
        assert len(taken) - done <= 4
        assert users == 3
        done += 1
    assert done == 9
    assert list(write_parts(work, parts(), 1)) == [3] * 9
    assert written_parts(tmp_path / "two") == written_parts(tmp_path)
    assert [row["user"] for row in written_rows(tmp_path)] == [f"u{user}" for user in range(27)]


def test_a_process_that_is_killed_is_one_line(work: Work) -> None:
    parts = ((part, HISTORIES) for part in range(10_000))
    scored = write_parts(work, parts, 2)
    next(scored)
    multiprocessing.active_children()[0].kill()
    with pytest.raises(UnavailableError, match="ended from outside"):
        list(scored)


def test_an_error_of_a_process_is_its_parents(work: Work) -> None:
    with pytest.raises(BundleError, match="was replaced while it was used"):
        list(write_parts(replace(work, bundle_sha256="0" * 64), [(0, HISTORIES)] * 2, 2))
