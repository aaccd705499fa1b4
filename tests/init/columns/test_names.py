"""What names say."""

from __future__ import annotations

import pytest

from slmrec.init.columns.names import (
    ITEM,
    SEQUENCE,
    SESSION,
    TIME,
    TITLE,
    TYPE,
    USER,
    WEIGHT,
    role_of_name,
    weight_of_name,
    words_of,
)


def test_words_of_a_name_in_any_spelling() -> None:
    assert words_of("reviewerID") == ["reviewer", "id"]
    assert words_of("movie_title:token_seq") == ["movie", "title"]
    assert words_of("Customer ID") == ["customer", "id"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, USER) for name in ("user_id:token", "visitorid", "reviewerID", "customer_id")),
        *((name, ITEM) for name in ("itemid", "asin", "parent_asin", "article_id", "movieId")),
        *((name, ITEM) for name in ("product_id", "business_id", "StockCode", "ISBN", "aid")),
        *((name, TIME) for name in ("unixReviewTime", "timestamp", "t_dat", "event_time", "when")),
        *((name, SEQUENCE) for name in ("order_number", "add_to_cart_order", "timeframe")),
        *((name, WEIGHT) for name in ("rating:float", "overall", "stars", "quantity")),
        *((name, TYPE) for name in ("event", "event_type", "behavior")),
        *((name, TITLE) for name in ("title", "name", "movie_title:token_seq")),
        *((name, SESSION) for name in ("sessionId", "order_id", "BASKET_ID")),
    ],
)
def test_usual_names_speak_for_their_role(name: str, role: str) -> None:
    evidence = role_of_name(name)

    assert evidence is not None
    assert evidence.role == role


@pytest.mark.parametrize(
    "name", ["category_id", "release_date", "review_id", "price", "order_dow", "genres", "age"]
)
def test_names_of_other_things_speak_for_none(name: str) -> None:
    assert role_of_name(name) is None


def test_a_reviewers_name_speaks_less_for_a_user_than_the_id() -> None:
    assert weight_of_name("reviewerName", USER) < weight_of_name("reviewerID", USER) == 1.0
