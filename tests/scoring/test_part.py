"""A part is written with its counts, and what is no part is found out."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slmrec.core.errors import DataError
from slmrec.scoring.part import (
    USERS_AT_ONCE,
    Counts,
    from_ipc,
    in_groups,
    read_counts,
    to_ipc,
    write_part,
)
from slmrec.scoring.source import SCHEMA
from tests.support.scored import histories_of, walks


def test_groups_are_of_one_size_and_joined_in_their_order() -> None:
    sizes: list[int] = []

    def answer(rows: pa.Table) -> tuple[pa.Table, Counts]:
        sizes.append(len(rows))
        return rows, Counts(users=len(rows))

    histories = histories_of(walks(2 * USERS_AT_ONCE + 5))
    table, counts = in_groups(histories, answer, SCHEMA)
    assert sizes == [USERS_AT_ONCE, USERS_AT_ONCE, 5]
    assert table.equals(histories.combine_chunks()) and counts.users == 2053
    assert in_groups(histories.slice(0, 0), answer, SCHEMA)[0].schema == SCHEMA


def test_counts_are_added_and_the_first_unknown_id_stays() -> None:
    first, second = Counts(users=2, ids=5), Counts(1, 3, 1, "who", 1, 1)
    assert first + second == Counts(3, 8, 1, "who", 1, 1)
    assert (second + Counts(1, 1, 1, "what")).first_unknown == "who"


def test_a_part_tells_its_counts(tmp_path: Path) -> None:
    table, counts = histories_of(walks(20)), Counts(20, 5, 1, "who")
    write_part(tmp_path / "part.parquet", table, counts, "made")
    assert read_counts(tmp_path / "part.parquet", 20, "made") == counts
    assert pq.read_table(tmp_path / "part.parquet").to_pylist() == table.to_pylist()
    with pytest.raises(DataError, match="has 20 rows, expected 21"):
        read_counts(tmp_path / "part.parquet", 21, "made")
    with pytest.raises(DataError, match="other settings"):
        read_counts(tmp_path / "part.parquet", 20, "otherwise")


def test_a_file_that_is_no_part_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "part.parquet"
    pq.write_table(pa.table({"user": ["a"]}), file)
    with pytest.raises(DataError, match="is no part"):
        read_counts(file, 1, "made")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match="is no part"):
        read_counts(file, 1, "made")


def test_a_table_crosses_to_another_process_without_what_it_was_cut_from() -> None:
    whole = histories_of(walks(1000))
    piece = whole.slice(500, 10)
    assert from_ipc(to_ipc(piece)).equals(piece)
    assert len(to_ipc(piece)) < len(to_ipc(whole)) / 20
