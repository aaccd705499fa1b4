"""Tiny files in the layouts of logs of shops, and what prepare must make of them."""

from __future__ import annotations

import gzip
from typing import Any

import polars as pl

from tests.support.layouts import Layout, as_json_lines, as_lines, as_python_gz, table_as_parquet

ARTICLE = "article_id,product_code,prod_name,product_type_name,colour_group_name"
TRANSACTION = "t_dat,customer_id,article_id,price,sales_channel_id"
CUSTOMER = "00000dbacae5abe5e23885899a1fa44253a17956c6d1c3d25f88aa139fdfc657"
SHOP = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"


def amazon_review(user: str, item: str, time: int, **more: Any) -> dict[str, Any]:
    return {"reviewerID": user, "asin": item, "overall": 5.0, "unixReviewTime": time, **more}


SHOPS = {
    "Amazon 2014": Layout(
        {
            "reviews_Beauty.json.gz": gzip.compress(
                as_json_lines(
                    amazon_review("A1", "B02", 1378252800, helpful=[0, 0], reviewText="a\nb"),
                    amazon_review("A1", "0001", 1363392000, helpful=[1, 2]),
                )
            ),
            "meta_Beauty.json.gz": as_python_gz(
                {"asin": "0001", "title": "Men's brush", "categories": [["Beauty", "Hair"]]},
                {"asin": "B02", "categories": [["Beauty"]], "price": 9.5},
            ),
        },
        [("A1", "0001"), ("A1", "B02")],
        {"0001": "Men's brush"},
    ),
    "Amazon 2018": Layout(
        {
            "All_Beauty.json.gz": gzip.compress(
                as_json_lines(
                    amazon_review("A1", "B2", 1424304000, verified=True, style={"Size:": "1"}),
                    amazon_review("A1", "B1", 1418860800, verified=False, image=["x.jpg"]),
                )
            ),
            "meta_All_Beauty.json.gz": gzip.compress(
                as_json_lines(
                    {"asin": "B1", "title": "Half \ud83d", "category": ["A", "B"], "brand": "x"},
                    {"asin": "B2", "title": "Whole \U0001f600", "category": [], "rank": "1"},
                )
            ),
        },
        [("A1", "B1"), ("A1", "B2")],
        {"B1": "Half \ufffd", "B2": "Whole \U0001f600"},
    ),
    "Amazon 2023": Layout(
        {
            "All_Beauty.jsonl.gz": gzip.compress(
                as_json_lines(
                    {
                        "rating": 5.0, "title": "ok", "asin": "B9", "parent_asin": "B2",
                        "user_id": "AE", "timestamp": 1588687728923, "verified_purchase": True,
                    },
                    {
                        "rating": 4.0, "title": "no", "asin": "B8", "parent_asin": "B1",
                        "user_id": "AE", "timestamp": 1588615855070, "images": [],
                    },
                )
            ),
            "meta_All_Beauty.jsonl.gz": gzip.compress(
                as_json_lines(
                    {"parent_asin": "B1", "title": "Brush", "store": None, "categories": []},
                    {"parent_asin": "B2", "title": "Comb", "store": "x", "categories": ["A"]},
                )
            ),
        },
        [("AE", "B1"), ("AE", "B2")],
        {"B1": "Brush", "B2": "Comb"},
    ),
    "Yoochoose": Layout(
        {
            "yoochoose-clicks.dat": as_lines(
                "1,2014-04-07T10:54:09.868Z,214536500,0", "1,2014-04-07T10:51:09.277Z,214536502,S"
            )
        },
        [("1", "214536502"), ("1", "214536500")],
        {},
    ),
    "Retailrocket": Layout(
        {
            "events.csv": as_lines(
                "timestamp,visitorid,event,itemid,transactionid",
                "1433222531378,57036,transaction,334662,4000",
                "1433221332117,57036,view,355908,",
            )
        },
        [("57036", "355908"), ("57036", "334662")],
        {},
    ),
    "H&M": Layout(
        {
            "transactions_train.csv": as_lines(
                TRANSACTION,
                f"2018-09-21,{CUSTOMER},0541518023,0.03,2",
                f"2018-09-20,{CUSTOMER},0663713001,0.05,2",
            ),
            "articles.csv": as_lines(
                ARTICLE, '0541518023,0541518,"Rae, Push",Bra,Pink', "0663713001,0663713,Atlanta,B,K"
            ),
        },
        [(CUSTOMER, "0663713001"), (CUSTOMER, "0541518023")],
        {"0541518023": "Rae, Push", "0663713001": "Atlanta"},
    ),
    "Instacart": Layout(
        {
            "events.parquet": table_as_parquet(
                pl.DataFrame(
                    {
                        "order_id": [9, 7, 7],
                        "product_id": [30, 20, 10],
                        "add_to_cart_order": [1, 2, 1],
                        "reordered": [1, 0, 0],
                        "user_id": [1, 1, 1],
                        "order_number": [2, 1, 1],
                    }
                )
            ),
            "products.csv": as_lines(
                "product_id,product_name,aisle_id,department_id",
                '10,"Pure, Tea",1,2',
                '20,"Robust ""Dark"" Tea",1,2',
                "30,Cookies,3,4",
            ),
        },
        [("1", "10"), ("1", "20"), ("1", "30")],
        {"10": "Pure, Tea", "20": 'Robust "Dark" Tea', "30": "Cookies"},
    ),
    "OTTO": Layout(
        {
            "otto-recsys-train.jsonl": as_json_lines(
                {
                    "session": 0,
                    "events": [
                        {"aid": 1517085, "ts": 1659304800025, "type": "clicks"},
                        {"aid": 1563459, "ts": 1659304904511, "type": "carts"},
                    ],
                },
                {"session": 1, "events": [{"aid": 424964, "ts": 1659304850000, "type": "orders"}]},
            )
        },
        [("0", "1517085"), ("1", "424964"), ("0", "1563459")],
        {},
    ),
    "REES46": Layout(
        {
            "2019-Oct.csv": as_lines(
                SHOP,
                "2019-10-01 00:00:01 UTC,view,3900821,205301355232677,a.b,aqua,33.20,554748717,9",
                "2019-10-01 00:00:00 UTC,cart,44600062,2103807459595387724,,shi,35.79,554748717,7",
            )
        },
        [("554748717", "44600062"), ("554748717", "3900821")],
        {},
    ),
}  # fmt: skip
