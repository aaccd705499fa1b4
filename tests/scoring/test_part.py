"""A part holds what the recommender answers, and counts what was odd."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slmrec.core.errors import DataError
from slmrec.runtime import Recommender
from slmrec.scoring import part
from slmrec.scoring.part import Counts, from_ipc, read_counts, score, to_ipc, write_part
from slmrec.scoring.source import SCHEMA
from tests.support.scored import walks


def histories_of(lists: list[list[str]]) -> pa.Table:
    return pa.table([[f"u{row}" for row in range(len(lists))], lists], schema=SCHEMA)


@pytest.fixture(scope="module")
def recommender(small_bundle: Path) -> Recommender:
    return Recommender(small_bundle, "cpu", 1)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_lists_and_scores_are_the_recommenders(
    recommender: Recommender, exclude_seen: bool
) -> None:
    lists = walks(50)
    table, _ = score(recommender, histories_of(lists), 5, exclude_seen)
    expected = recommender.recommend(lists, 5, exclude_seen, unknown="ignore")
    assert table["user"].to_pylist() == [f"u{row}" for row in range(50)]
    assert table["items"].to_pylist() == [[item.item for item in best] for best in expected]
    assert table["scores"].to_pylist() == [[item.score for item in best] for best in expected]


def test_users_are_scored_in_groups_of_a_fixed_size(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "USERS_AT_ONCE", 8)
    lists = walks(32)
    whole, _ = score(recommender, histories_of(lists), 5, True)
    second, _ = score(recommender, histories_of(lists).slice(8, 8), 5, True)
    assert whole.slice(8, 8).equals(second)


def test_everything_odd_is_counted(recommender: Recommender) -> None:
    everything = [f"i{item}" for item in range(2, 40)]  # of 39 candidates 2 are left, i40 and i41
    lists = [["i2", "who", "i3"], [], everything, ["what"]]
    _, counts = score(recommender, histories_of(lists), 5, True)
    assert counts == Counts(
        users=4,
        ids=3 + 0 + 38 + 1,
        unknown_ids=2,
        first_unknown="who",
        empty_histories=1,
        short_lists=1,
    )


def test_counts_are_added_and_the_first_unknown_id_stays() -> None:
    first, second = Counts(users=2, ids=5), Counts(1, 3, 1, "who", 1, 1)
    assert first + second == Counts(3, 8, 1, "who", 1, 1)
    assert (second + Counts(1, 1, 1, "what")).first_unknown == "who"


def test_a_part_tells_its_counts(recommender: Recommender, tmp_path: Path) -> None:
    table, counts = score(recommender, histories_of(walks(20)), 5, True)
    write_part(tmp_path / "part.parquet", table, counts, "made")
    assert read_counts(tmp_path / "part.parquet", 20, "made") == counts
    assert pq.read_table(tmp_path / "part.parquet").equals(table)
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
