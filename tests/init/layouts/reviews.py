"""Reviews of products and places."""

from __future__ import annotations

from pathlib import Path

from tests.init.layouts.made_up import (
    ITEM_NUMBERS,
    ITEMS,
    USER_NUMBERS,
    asin,
    by_time,
    by_user,
    newest_first,
    title,
    write,
    write_json,
)


def amazon_2014(data: Path) -> None:
    """Reviews as JSON lines, products as Python literals; the time twice, once in words."""
    reviews = [
        {
            "reviewerID": f"A{e.user:013d}",
            "asin": asin(e.item),
            "reviewerName": f"Ann {e.user}",
            "helpful": [0, 2],
            "reviewText": "I like it. " * 9,
            "overall": float(e.stars),
            "summary": "Good one",
            "unixReviewTime": e.day,
            "reviewTime": e.written("%m %d, %Y"),
        }
        for e in by_user()
    ]
    write_json(data / "reviews_Beauty_5.json.gz", reviews)
    products = [
        {
            "asin": asin(n),
            "title": f"Men's {title(n)}",
            "price": 9.5,
            "categories": [["Beauty", "Hair"]],
            "imUrl": f"http://x/{n}.jpg",
        }
        for n in ITEM_NUMBERS
    ]
    write(data / "meta_Beauty.json.gz", map(str, products))


def amazon_2018(data: Path) -> None:
    """JSON lines throughout."""
    reviews = [
        {
            "overall": float(e.stars),
            "verified": True,
            "reviewTime": e.written("%m %d, %Y"),
            "reviewerID": f"A{e.user:013d}",
            "asin": asin(e.item),
            "style": {"Size:": " 1"},
            "reviewerName": f"Ann {e.user}",
            "reviewText": "As described.",
            "summary": "Five Stars",
            "unixReviewTime": e.day,
        }
        for e in by_user()
    ]
    write_json(data / "All_Beauty.json.gz", reviews)
    products = [
        {
            "category": [],
            "description": ["Soft"],
            "title": title(n),
            "brand": "Acme",
            "rank": f"{n},102 in Beauty",
            "also_buy": [asin(n % 7)],
            "asin": asin(n),
        }
        for n in ITEM_NUMBERS
    ]
    write_json(data / "meta_All_Beauty.json.gz", products)


def amazon_2018_ratings(data: Path) -> None:
    """Ratings only: no header line, the item first, grouped by item."""
    events = sorted(by_user(), key=lambda event: event.item)
    lines = [f"{asin(e.item)},A{e.user:013d},{float(e.stars)},{e.day}" for e in events]
    write(data / "All_Beauty.csv", lines)


def amazon_2023(data: Path) -> None:
    """Milliseconds, a title that is the review's, and two item numbers of which one is listed."""
    reviews = [
        {
            "rating": float(e.stars),
            "title": f"Nice {e.user * e.item}",
            "text": "Works well.",
            "images": [],
            "asin": asin(e.item + ITEMS * (e.user % 2)),
            "parent_asin": asin(e.item),
            "user_id": f"AE{e.user:024d}",
            "timestamp": e.seconds * 1000 + 7,
            "helpful_vote": 0,
            "verified_purchase": True,
        }
        for e in by_user()
    ]
    write_json(data / "All_Beauty.jsonl.gz", reviews)
    products = [
        {
            "main_category": "All Beauty",
            "title": title(n),
            "average_rating": 4.5,
            "rating_number": 10 + n,
            "features": [],
            "price": None,
            "images": [{"thumb": "x"}],
            "store": "Acme",
            "details": {"Brand": "Acme"},
            "parent_asin": asin(n),
        }
        for n in ITEM_NUMBERS
    ]
    write_json(data / "meta_All_Beauty.jsonl.gz", products)


def yelp(data: Path) -> None:
    """Reviews, businesses and users, who have names as well."""
    reviews = [
        {
            "review_id": f"r{number:021d}",
            "user_id": f"u{e.user:021d}",
            "business_id": f"b{e.item:021d}",
            "stars": float(e.stars),
            "useful": 0,
            "text": "Good food here. " * 5,
            "date": e.written("%Y-%m-%d %H:%M:%S"),
        }
        for number, e in enumerate(by_user())
    ]
    write_json(data / "yelp_academic_dataset_review.json", reviews)
    places = [
        {
            "business_id": f"b{n:021d}",
            "name": f"Bar {title(n)}",
            "address": f"{n} Main St",
            "city": "Tampa",
            "latitude": 27.9,
            "stars": 4.0,
            "review_count": n,
            "attributes": {"WiFi": "no"},
        }
        for n in ITEM_NUMBERS
    ]
    write_json(data / "yelp_academic_dataset_business.json", places)
    users = [
        {
            "user_id": f"u{n:021d}",
            "name": f"Ann {n}",
            "review_count": 9,
            "yelping_since": "2009-03-02 10:00:00",
            "friends": "None",
        }
        for n in USER_NUMBERS
    ]
    write_json(data / "yelp_academic_dataset_user.json", users)


def gowalla(data: Path) -> None:
    """Check-ins newest first, user by user, without a header line."""
    lines = [
        "\t".join(
            (
                str(e.user),
                e.written("%Y-%m-%dT%H:%M:%SZ"),
                f"{30.2 + e.item / 100:.7f}",
                f"{-97.7 - e.item / 100:.7f}",
                str(22800 + e.item),
            )
        )
        for e in newest_first()
    ]
    write(data / "loc-gowalla_totalCheckins.txt.gz", lines)


def foursquare(data: Path) -> None:
    """As time goes, no header line, names in Latin-1, the time with its zone inside words."""
    lines = [
        "\t".join(
            (
                str(e.user),
                f"{e.item:023x}a",
                f"{e.item % 7:023x}b",
                f"Caf\u00e9 & Bar {e.item % 7}",
                f"40.7{e.item:02d}81",
                f"-74.0{e.item:02d}58",
                "-240",
                e.written("%a %b %d %H:%M:%S +0000 %Y"),
            )
        )
        for e in by_time()
    ]
    write(data / "dataset_TSMC2014_NYC.txt", lines, "latin-1")
