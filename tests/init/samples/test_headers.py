"""Whether a first line names columns."""

from __future__ import annotations

from slmrec.init.samples.headers import header_evidence, shape_of


def rows(*lines: str) -> list[list[str]]:
    return [line.split(",") for line in lines]


def test_words_above_numbers_are_names() -> None:
    assert header_evidence(rows("user,item,ts", "1,2,3", "4,5,6")) > 0.5


def test_numbers_above_numbers_are_data() -> None:
    assert header_evidence(rows("1,2014-05-16T09:04:56Z,3", "4,2014-05-17T09:04:56Z,6")) < -0.5


def test_texts_alone_are_data_where_the_first_is_like_the_others() -> None:
    news = rows("N1,sports,Golf is back", "N2,news,Rain tomorrow", "N3,sports,Chess at noon")

    assert header_evidence(news) < 0


def test_an_action_that_comes_again_below_is_no_name() -> None:
    taobao = rows("1,22,cart", "1,23,pv", "2,22,cart")

    assert header_evidence(taobao) < 0


def test_texts_alone_are_names_where_they_are_words_of_the_field() -> None:
    assert header_evidence(rows("user,item", "ann,tea", "bob,cup")) > 0


def test_shapes_are_the_same_for_ids_of_one_kind() -> None:
    assert shape_of("N55189") == shape_of("N7") == "a9"
    assert shape_of("2014-05-16") == "9-9-9"
