"""Which number an id has."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from slmrec.preprocessing.events.id_index import ENTRIES, in_order

APPEARANCES = st.dictionaries(
    st.text("ab名", max_size=4), st.none() | st.integers(-2, 2), max_size=30
)


@given(APPEARANCES, st.permutations(["a", "b", "ab"]))
def test_known_ids_come_first_then_others_by_first_appearance_and_text(
    appearances: dict[str, int | None], known: list[str]
) -> None:
    seen = pl.DataFrame(
        {"id": appearances.keys(), "first_us": appearances.values()}, schema=ENTRIES
    )
    others = sorted(
        appearances.keys() - set(known),
        key=lambda each: (appearances[each] is None, appearances[each], each.encode()),
    )
    assert in_order(seen, pl.Series("id", known))["id"].to_list() == known + others
    everyone = sorted(
        appearances, key=lambda each: (appearances[each] is None, appearances[each], each.encode())
    )
    assert in_order(seen, pl.Series("id", [], dtype=pl.String))["id"].to_list() == everyone
