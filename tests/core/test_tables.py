"""A table is read only where it has the columns that it must have."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slmrec.core.errors import DataError, UsageError
from slmrec.core.tables import USERS, read_table


def test_a_table_of_the_schema_comes_back(tmp_path: Path) -> None:
    users = pl.DataFrame({"user_index": [0, 1], "user": ["a", "b"]}, schema=USERS)
    users.write_parquet(tmp_path / "users.parquet")
    assert read_table(tmp_path / "users.parquet", USERS).equals(users)


def test_another_type_of_a_column_is_refused_showing_both(tmp_path: Path) -> None:
    pl.DataFrame({"user_index": [0], "user": ["a"]}).write_parquet(tmp_path / "users.parquet")
    with pytest.raises(DataError, match=r"'user_index': Int64.*expected .*'user_index': UInt32"):
        read_table(tmp_path / "users.parquet", USERS)


def test_a_missing_file_and_one_that_is_no_parquet_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"users\.parquet is missing; run the stage"):
        read_table(tmp_path / "users.parquet", USERS)
    (tmp_path / "users.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match=r"users\.parquet is not readable Parquet"):
        read_table(tmp_path / "users.parquet", USERS)
