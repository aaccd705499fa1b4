"""What the values of a column say."""

from __future__ import annotations

from slmrec.init.columns.profiles import Profile, id_text
from slmrec.init.samples.sampled_table import object_column
from tests.init.support import profile


def test_values_are_counted_and_gaps_measured() -> None:
    column = profile("user", ["a", "a", "b", None])

    assert (column.distinct, column.missing, column.counts["a"]) == (2, 0.25, 2)


def test_numbers_keep_their_rows_beside_a_word_among_them() -> None:
    column = profile("quantity", [*range(200), "many", None])

    assert column.number_rows[-3:] == [199.0, None, None]
    assert len(column.numbers) == 200


def test_whole_numbers_can_be_ids_and_fractions_cannot() -> None:
    assert profile("item", [12.0, 13.0]).is_id
    assert not profile("lat", [30.2, 30.3]).is_id
    assert not profile("constant", ["x", "x"]).is_id
    assert not profile(
        "text", [f"I liked this one, and so will you, my dear {n}" for n in range(3)]
    ).is_id


def test_ids_are_spelled_as_prepare_spells_them() -> None:
    assert id_text("12.0") == "12"
    assert id_text("0108775000") == "0108775000"
    assert id_text("v1.0") == "v1.0"


def test_a_text_of_several_ids_is_a_list_and_a_name_is_none() -> None:
    history = profile("history", ["N1 N2 N3", "N2 N3", "N1 N3 N2"])

    assert history.list_separator == " "
    assert history.ids == {"N1", "N2", "N3"}
    assert profile("title", ["Silver River 1", "Night Garden 2"]).list_separator is None


def test_ids_inside_lists_are_ids_of_the_column() -> None:
    assert Profile(object_column("items", [[1, 2], [3]])).ids == {"1", "2", "3"}


def test_titles_are_texts_but_no_links_and_no_lists() -> None:
    assert profile("name", ["Silver River", "Night Garden"]).looks_like_titles
    assert not profile("url", ["http://x/1", "http://x/2"]).looks_like_titles
    assert not profile("tags", ["[1, 2]", "[3]"]).looks_like_titles
    assert not profile("year", [1995, 1996]).looks_like_titles
