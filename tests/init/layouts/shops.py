"""Clicks, orders and sessions of shops, news and videos."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from tests.init.layouts.made_up import (
    ITEM_NUMBERS,
    ITEMS,
    START,
    USER_NUMBERS,
    by_time,
    by_user,
    title,
    write,
    write_json,
)


def yoochoose(data: Path) -> None:
    """Sessions without a header line; buys are a file of their own."""
    draw = random.Random(2)
    lines = []
    for session in range(1, 150):
        seconds = START + draw.randrange(10**7)
        for _ in range(draw.randrange(2, 8)):
            seconds += draw.randrange(5, 600)
            time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.123Z")
            item = 214_500_000 + draw.randrange(ITEMS)
            lines.append(f"{session},{time},{item},{draw.choice('0S1')}")
    write(data / "yoochoose-clicks.dat", lines)
    buys = [",".join([*line.split(",")[:3], "12462", "1"]) for line in lines[::20]]
    write(data / "yoochoose-buys.dat", buys)


def retailrocket(data: Path) -> None:
    """Views, carts and purchases; properties of items in a file with more rows."""
    draw = random.Random(2)
    lines = []
    for number, e in enumerate(by_time()):
        kind = draw.choice(["view"] * 9 + ["addtocart"]) if number % 40 else "transaction"
        order = "" if number % 40 else "4000"
        lines.append(f"{e.seconds}123,{257000 + e.user},{kind},{355000 + e.item},{order}")
    write(data / "events.csv", ["timestamp,visitorid,event,itemid,transactionid", *lines])
    names = ("categoryid", "888", "790")
    properties = [
        f"{START + n}000,{355000 + n % ITEMS},{names[n % 3]},{1000 + n % 57}" for n in range(900)
    ]
    header = "timestamp,itemid,property,value"
    write(data / "item_properties_part1.csv", [header, *properties[::2]])
    write(data / "item_properties_part2.csv", [header, *properties[1::2]])
    tree = [f"{1000 + n},{n % 9}" for n in range(57)]
    write(data / "category_tree.csv", ["categoryid,parentid", *tree])


def hm(data: Path) -> None:
    """Dates without a time, leading zeros, 64 hex digits for a customer."""
    lines = [
        f"{e.written('%Y-%m-%d')},{e.user:064x},0{108775000 + e.item},0.0{e.stars}5,1"
        for e in by_time()
    ]
    header = "t_dat,customer_id,article_id,price,sales_channel_id"
    write(data / "transactions_train.csv", [header, *lines])
    articles = [
        f'0{108775000 + n},0{108775 + n // 3},{title(n)},253,"Jersey top, with narrow straps."'
        for n in ITEM_NUMBERS
    ]
    header = "article_id,product_code,prod_name,product_type_no,detail_desc"
    write(data / "articles.csv", [header, *articles])
    customers = [f"{n:064x},,ACTIVE,{20 + n % 50},{n:032x}" for n in USER_NUMBERS]
    header = "customer_id,FN,club_member_status,age,postal_code"
    write(data / "customers.csv", [header, *customers])


def instacart(data: Path) -> None:
    """Orders joined to their products: no clock, order_number counts."""
    draw = random.Random(5)
    lines, order = [], 0
    for user in USER_NUMBERS:
        for number in range(1, draw.randrange(4, 9)):
            order += 1
            for place in range(1, draw.randrange(2, 6)):
                product, again = draw.randrange(1, ITEMS), draw.randrange(2)
                lines.append(f"{order},{user},{number},{product},{place},{again}")
    header = "order_id,user_id,order_number,product_id,add_to_cart_order,reordered"
    write(data / "order_products.csv", [header, *lines])
    products = [f"{n},{title(n)},{n % 9},{n % 4}" for n in ITEM_NUMBERS]
    write(data / "products.csv", ["product_id,product_name,aisle_id,department_id", *products])


def instacart_as_it_ships(data: Path) -> None:
    """Users and products meet only in a join of two files."""
    instacart(data)
    joined = (data / "order_products.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in joined]
    (data / "order_products.csv").unlink()
    header = "order_id,product_id,add_to_cart_order,reordered"
    write(data / "order_products__prior.csv", [header, *(",".join([r[0], *r[3:]]) for r in rows)])
    orders = dict.fromkeys(f"{row[0]},{row[1]},prior,{row[2]},3,10" for row in rows)
    header = "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day"
    write(data / "orders.csv", [header, *orders])


def rees46(data: Path) -> None:
    """A file a month, UTC in words, many columns of the product and the session."""
    product = "product_id,category_id,category_code,brand,price"
    header = f"event_time,event_type,{product},user_id,user_session"
    kinds = ("view", "cart", "purchase")
    for month in ("Oct", "Nov"):
        lines = [
            f"{e.written('%Y-%m-%d %H:%M:%S')} UTC,{kinds[e.stars % 3]},{44600000 + e.item},"
            f"{2103807459595387724 + e.item % 5},,acme,35.79,{541312000 + e.user},"
            f"72d76fde-8bb3-4e00-8c23-{e.user * e.stars:012d}"
            for e in by_time()
            if (e.day // 86_400) % 2 == (month == "Oct")
        ]
        write(data / f"2019-{month}.csv.gz", [header, *lines])


def otto_lists(data: Path) -> None:
    """Sessions as lists of ids, one row a session."""
    sessions: dict[int, list[int]] = {}
    for e in by_user():
        sessions.setdefault(e.user, []).append(e.item)
    rows = [
        {"session": 12899779 + user, "aids": items, "ts": (START + user * 500) * 1000}
        for user, items in sessions.items()
    ]
    write_json(data / "sessions.jsonl", rows)


def otto(data: Path) -> None:
    """Sessions as lists of objects, as the data set ships."""
    sessions: dict[int, list[dict[str, Any]]] = {}
    for e in by_user():
        kind = ("clicks", "carts", "orders")[e.stars % 3]
        event = {"aid": e.item, "ts": e.seconds * 1000, "type": kind}
        sessions.setdefault(e.user, []).append(event)
    rows = [{"session": user, "events": events} for user, events in sessions.items()]
    write_json(data / "otto-recsys-train.jsonl", rows)


def mind(data: Path) -> None:
    """A text of several ids a row, US times, and news without a header line."""
    draw = random.Random(4)
    lines = []
    for number, e in enumerate(by_time()):
        history = " ".join(f"N{draw.choice(ITEM_NUMBERS)}" for _ in range(draw.randrange(3, 9)))
        time = e.written("%m/%d/%Y %I:%M:%S %p").lstrip("0")
        shown = f"N{e.item}-1 N{1 + e.item % 9}-0"
        lines.append(f"{number + 1}\tU{e.user}\t{time}\t{history}\t{shown}")
    write(data / "behaviors.tsv", lines)
    kinds, kinds_below = ("sports", "news", "lifestyle"), ("golf", "us", "royals")
    abstract = "Shop the notebooks and jackets that people cannot live without. " * 2
    news = [
        f"N{n}\t{kinds[n % 3]}\t{kinds_below[n % 3]}\t{title(n)} are the brands to swear by\t"
        f"{abstract}{n}\thttps://assets.example/{n}.html\t[]\t[]"
        for n in ITEM_NUMBERS
    ]
    write(data / "news.tsv", news)


def kuairec(data: Path) -> None:
    """The time three times, in two zones; a second matrix of the same columns."""
    columns = "user_id,video_id,play_duration,video_duration,time,date,timestamp,watch_ratio"
    for name, events in (("big", by_user()), ("small", by_user(2)[:200])):
        lines = [
            f"{e.user},{e.item},{e.stars * 990},{5000 + e.item},"
            f"{e.written('%Y-%m-%d %H:%M:%S.378')},"
            f"{e.written('%Y%m%d')},{e.seconds}.378,{e.stars / 5:.6f}"
            for e in events
        ]
        write(data / f"{name}_matrix.csv", [columns, *lines])
    captions = [f"{n},UNKNOWN,{title(n)} at home,[]" for n in ITEM_NUMBERS]
    header = "video_id,manual_cover_text,caption,topic_tag"
    write(data / "kuairec_caption_category.csv", [header, *captions])


def typed_parquet(data: Path) -> None:
    """Partitions by day, times as timestamps, and a catalogue."""
    rows = [(f"u{e.user}", e.item, e.moment, e.seconds % 3) for e in by_time()]
    table = pl.DataFrame(rows, schema=["buyer", "sku", "at", "channel"], orient="row")
    for number, part in enumerate(table.iter_slices(200)):
        folder = data / "orders" / f"day=2026-11-{number + 1:02d}"
        folder.mkdir(parents=True)
        part.write_parquet(folder / "part-0.parquet")
    skus = {"sku": list(ITEM_NUMBERS), "label": [title(n) for n in ITEM_NUMBERS]}
    pl.DataFrame(skus).write_parquet(data / "skus.parquet")


def events_alone(data: Path) -> None:
    """One file of csv in a shop's own words."""
    lines = [
        f"ann{e.user},tea{e.item},{e.written('%Y-%m-%dT%H:%M:%SZ')},{e.stars}" for e in by_time()
    ]
    write(data / "clicks.csv", ["visitor,product,when,quantity", *lines])


def ordered_sequences(data: Path) -> None:
    """Sequences that were given seconds as steps: every user starts at the same one."""
    steps: dict[int, int] = {}
    lines = []
    for e in by_user():
        step = steps[e.user] = steps.get(e.user, -1) + 1
        lines.append(f"{e.user},{e.item},{1_000_000_000 + step}")
    write(data / "events.csv", ["user,item,timestamp", *lines])
