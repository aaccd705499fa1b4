"""What init understands of the layouts in which public data sets ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import DataError
from slmrec.init.answers import Answers
from slmrec.init.doubts import check_order, doubts_of
from slmrec.init.findings import Findings, inspect
from slmrec.init.log_reader import read_catalogue, read_events
from slmrec.init.source_settings import event_source, item_source, source_settings
from slmrec.params.prepare import PrepareParams
from tests.init.layouts import ratings, reviews, shops
from tests.init.layouts.made_up import ITEMS, USERS
from tests.support.project import ROOT

TEXT = {"delimiter": None, "header": "first_line", "names": None, "encoding": "utf-8"}
NO_HEADER = TEXT | {"header": "none"}
SCALARS = {"lists": "refuse", "list_separator": None}


def understood(layout: Callable[[Path], None], data: Path) -> tuple[Findings, list[str]]:
    """What init found in the layout, and the flags of its doubts."""
    layout(data)
    findings = inspect(data, Answers())
    check_order(findings.events)
    return findings, [doubt.flag for doubt in doubts_of(findings, Answers())]


def columns(user: str, item: str, time: str | None, **others: str) -> dict[str, Any]:
    optional = {name: others.get(name) for name in ("sequence", "weight", "type")}
    return {"user": user, "item": item, "time": time} | optional


def events(
    files: str, form: str, time_format: str, roles: dict[str, Any], **layout: Any
) -> dict[str, Any]:
    source = TEXT | SCALARS | {"files": [files], "format": form, "time_format": time_format}
    return source | {"columns": roles} | layout


def items(files: str, form: str, item: str, title: str, **layout: Any) -> dict[str, Any]:
    roles = {"item": item, "title": title, "others": []}
    return TEXT | {"files": [files], "format": form, "columns": roles} | layout


CASES: dict[Callable[[Path], None], tuple[dict[str, Any], dict[str, Any] | None]] = {
    ratings.movielens_1m: (
        events("ratings.dat", "tsv", "epoch_s", columns("1", "2", "4", weight="3"))
        | {"delimiter": "::", "header": "none"},
        items("movies.dat", "tsv", "1", "2", delimiter="::", header="none", encoding="latin-1"),
    ),
    ratings.movielens_20m: (
        events(
            "ratings.csv",
            "csv",
            "epoch_s",
            columns("userId", "movieId", "timestamp", weight="rating"),
        ),
        items("movies.csv", "csv", "movieId", "title"),
    ),
    ratings.recbole: (
        events(
            "ml.inter",
            "tsv",
            "epoch_s",
            columns("user_id:token", "item_id:token", "timestamp:float", weight="rating:float"),
        ),
        items("ml.item", "tsv", "item_id:token", "movie_title:token_seq"),
    ),
    ratings.steam: (
        events(
            "steam_reviews.json.gz",
            "python_literal",
            "date",
            columns("username", "product_id", "date", weight="hours"),
        ),
        items("steam_games.json.gz", "python_literal", "id", "title"),
    ),
    ratings.goodreads: (
        events(
            "goodreads_interactions_poetry.json.gz",
            "jsonl",
            "%a %b %d %H:%M:%S %z %Y",
            columns("user_id", "book_id", "date_added", weight="rating"),
        ),
        items("goodreads_books_poetry.json.gz", "jsonl", "book_id", "title"),
    ),
    reviews.amazon_2014: (
        events(
            "reviews_Beauty_5.json.gz",
            "jsonl",
            "epoch_s",
            columns("reviewerID", "asin", "unixReviewTime", weight="overall"),
        ),
        items("meta_Beauty.json.gz", "python_literal", "asin", "title"),
    ),
    reviews.amazon_2018: (
        events(
            "All_Beauty.json.gz",
            "jsonl",
            "epoch_s",
            columns("reviewerID", "asin", "unixReviewTime", weight="overall"),
        ),
        items("meta_All_Beauty.json.gz", "jsonl", "asin", "title"),
    ),
    reviews.amazon_2018_ratings: (
        events("All_Beauty.csv", "csv", "epoch_s", columns("2", "1", "4", weight="3"))
        | {"header": "none"},
        None,
    ),
    reviews.amazon_2023: (
        events(
            "All_Beauty.jsonl.gz",
            "jsonl",
            "epoch_ms",
            columns("user_id", "parent_asin", "timestamp", weight="rating"),
        ),
        items("meta_All_Beauty.jsonl.gz", "jsonl", "parent_asin", "title"),
    ),
    reviews.yelp: (
        events(
            "yelp_academic_dataset_review.json",
            "jsonl",
            "iso8601_utc",
            columns("user_id", "business_id", "date", weight="stars"),
        ),
        items("yelp_academic_dataset_business.json", "jsonl", "business_id", "name"),
    ),
    reviews.gowalla: (
        events("loc-gowalla_totalCheckins.txt.gz", "tsv", "iso8601", columns("1", "5", "2"))
        | {"header": "none"},
        None,
    ),
    reviews.foursquare: (
        events("dataset_TSMC2014_NYC.txt", "tsv", "%a %b %d %H:%M:%S %z %Y", columns("1", "2", "8"))
        | {"header": "none", "encoding": "latin-1"},
        None,
    ),
    shops.yoochoose: (
        events("yoochoose-clicks.dat", "csv", "iso8601", columns("1", "3", "2"))
        | {"header": "none"},
        None,
    ),
    shops.retailrocket: (
        events(
            "events.csv",
            "csv",
            "epoch_ms",
            columns("visitorid", "itemid", "timestamp", type="event"),
        ),
        None,
    ),
    shops.hm: (
        events(
            "transactions_train.csv", "csv", "date", columns("customer_id", "article_id", "t_dat")
        ),
        items("articles.csv", "csv", "article_id", "prod_name"),
    ),
    shops.instacart: (
        events(
            "order_products.csv",
            "csv",
            "epoch_s",
            columns("user_id", "product_id", None)
            | {"sequence": ["order_number", "add_to_cart_order"]},
        ),
        items("products.csv", "csv", "product_id", "product_name"),
    ),
    shops.rees46: (
        events(
            "*-*.csv.gz",
            "csv",
            "%Y-%m-%d %H:%M:%S UTC",
            columns("user_id", "product_id", "event_time", type="event_type"),
        ),
        None,
    ),
    shops.otto_lists: (
        events("sessions.jsonl", "jsonl", "epoch_ms", columns("session", "aids", "ts"))
        | {"lists": "explode"},
        None,
    ),
    shops.otto: (
        events(
            "otto-recsys-train.jsonl",
            "jsonl",
            "epoch_ms",
            columns("session", "events.aid", "events.ts", type="events.type"),
        )
        | {"lists": "explode"},
        None,
    ),
    shops.mind: (
        events("behaviors.tsv", "tsv", "%m/%d/%Y %I:%M:%S %p", columns("2", "4", "3"))
        | {"header": "none", "lists": "explode", "list_separator": " "},
        items("news.tsv", "tsv", "1", "4", header="none"),
    ),
    shops.typed_parquet: (
        events("orders/day=*/part-*.parquet", "parquet", "iso8601", columns("buyer", "sku", "at")),
        items("skus.parquet", "parquet", "sku", "label"),
    ),
    shops.events_alone: (
        events(
            "clicks.csv",
            "csv",
            "iso8601",
            columns("visitor", "product", "when", weight="quantity"),
        ),
        None,
    ),
    shops.ordered_sequences: (
        events("events.csv", "csv", "epoch_s", columns("user", "item", None, sequence="timestamp")),
        None,
    ),
}


@pytest.mark.parametrize("layout", CASES, ids=lambda layout: layout.__name__)
def test_files_formats_and_columns_are_found_without_a_doubt(
    layout: Callable[[Path], None], tmp_path: Path
) -> None:
    findings, flags = understood(layout, tmp_path)
    wanted_events, wanted_items = CASES[layout]

    assert event_source(findings.events) == wanted_events
    assert item_source(findings) == wanted_items
    assert flags == []


def test_titles_that_stand_beside_the_events_are_found_and_missing_tracks_are_a_doubt(
    tmp_path: Path,
) -> None:
    findings, flags = understood(ratings.lastfm_1k, tmp_path)

    name = "userid-timestamp-artid-artname-traid-traname.tsv"
    assert event_source(findings.events) == (
        events(name, "tsv", "iso8601", columns("1", "5", "2")) | {"header": "none"}
    )
    assert item_source(findings) == items(name, "tsv", "5", "6", header="none")
    assert flags == ["--item"]  # every 40th track has no id, more than prepare may set aside


def test_a_second_table_of_the_same_columns_is_a_doubt(tmp_path: Path) -> None:
    findings, flags = understood(shops.kuairec, tmp_path)

    assert event_source(findings.events) == events(
        "big_matrix.csv",
        "csv",
        "epoch_s",
        columns("user_id", "video_id", "timestamp", weight="watch_ratio"),
    )
    assert item_source(findings) == items(
        "kuairec_caption_category.csv", "csv", "video_id", "caption"
    )
    assert flags == ["--events-file"]


def test_orders_in_place_of_users_are_a_doubt_where_another_file_knows_the_user(
    tmp_path: Path,
) -> None:
    findings, flags = understood(shops.instacart_as_it_ships, tmp_path)

    assert findings.events.user.name == "order_id"
    assert flags == ["--user"]
    assert "orders.csv has user_id" in doubts_of(findings, Answers())[0].sentence


@pytest.mark.parametrize("layout", CASES, ids=lambda layout: layout.__name__)
def test_prepare_reads_what_was_found_without_losing_a_row(
    layout: Callable[[Path], None], tmp_path: Path
) -> None:
    findings, _ = understood(layout, tmp_path)
    sections: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    own = {name.partition(".")[2]: value for name, value in source_settings(findings).items()}
    params = PrepareParams.model_validate(sections["prepare"] | own)

    rows = read_events(tmp_path, params, findings.events.table.source.rows)

    assert rows.bad == 0
    assert len(rows.events) > USERS
    if params.items is not None:
        assert read_catalogue(tmp_path, params.items)["titled"].to_list() == [True] * ITEMS


def test_lists_of_objects_in_parquet_stop_with_what_to_do(tmp_path: Path) -> None:
    events = [{"aid": 7, "ts": 1}, {"aid": 8, "ts": 2}]
    pl.DataFrame({"session": [1, 2], "events": [events, events]}).write_parquet(
        tmp_path / "sessions.parquet"
    )

    with pytest.raises(DataError, match=r"column events holds lists of objects \(aid, ts\)"):
        inspect(tmp_path, Answers())
