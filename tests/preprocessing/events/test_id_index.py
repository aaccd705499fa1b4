"""Which number an id has."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmrec.preprocessing.events.id_index import (
    ENTRIES,
    IdIndex,
    common_prefix,
    first_appearances,
    in_index_order,
)

APPEARANCES = st.dictionaries(
    st.text("ab名", max_size=4), st.none() | st.integers(-2, 2), max_size=30
)


@given(APPEARANCES, st.permutations(["a", "b", "ab"]))
def test_known_ids_come_first_then_others_by_first_appearance_and_text(
    appearances: dict[str, int | None], known: list[str]
) -> None:
    def appearance(name: str) -> tuple[bool, int, bytes]:
        first_us = appearances[name]
        return first_us is None, first_us or 0, name.encode()

    columns = {"id": appearances.keys(), "first_us": appearances.values()}
    seen = pl.DataFrame(columns, schema=ENTRIES)
    others = sorted(appearances.keys() - set(known), key=appearance)
    assert in_index_order(seen, pl.Series("id", known))["id"].to_list() == known + others
    no_ids = pl.Series("id", [], dtype=pl.String)
    assert in_index_order(seen, no_ids)["id"].to_list() == sorted(appearances, key=appearance)


def test_an_index_numbers_its_ids_from_its_offset() -> None:
    index = IdIndex(pl.DataFrame({"id": ["b", "a", "c"], "first_us": [1, 2, 3]}), 2)
    assert index.numbers(pl.Series(["a", "c", "a", "b"])).tolist() == [3, 4, 3, 2]


def test_the_first_appearance_is_the_earliest_of_all_tables() -> None:
    tables = [
        pl.LazyFrame({"id": ["a", "b"], "first_us": [5, 7]}, schema=ENTRIES),
        pl.LazyFrame({"id": ["b", "c"], "first_us": [6, None]}, schema=ENTRIES),
    ]
    assert dict(first_appearances(tables).iter_rows()) == {"a": 5, "b": 6, "c": None}
    assert first_appearances([]).schema == ENTRIES


@pytest.mark.parametrize(
    ("old", "new", "shared"),
    [("abc", "abd", 2), ("abc", "abcd", 3), ("", "ab", 0), ("xbc", "abc", 0), ("ab", "ab", 2)],
)
def test_two_indices_share_the_ids_before_the_first_difference(
    old: str, new: str, shared: int
) -> None:
    series = [pl.Series("id", list(text), dtype=pl.String) for text in (old, new)]
    assert common_prefix(*series) == shared
