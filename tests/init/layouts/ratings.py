"""Ratings of films, music, books and games."""

from __future__ import annotations

import random
from pathlib import Path

from tests.init.layouts.made_up import (
    ITEM_NUMBERS,
    USER_NUMBERS,
    Event,
    by_user,
    newest_first,
    title,
    write,
    write_json,
)


def movielens_1m(data: Path) -> None:
    """`::` between fields, no header line, titles in Latin-1; not in order within a user."""
    draw = random.Random(3)
    events: list[Event] = []
    for user in USER_NUMBERS:
        history = [event for event in by_user() if event.user == user]
        draw.shuffle(history)
        events += history
    write(data / "ratings.dat", [f"{e.user}::{e.item}::{e.stars}::{e.seconds}" for e in events])
    genres = ("Drama|Comedy", "Action", "Children's|Animation|Comedy")
    films = [f"{n}::Caf\u00e9 {title(n)} ({1950 + n})::{genres[n % 3]}" for n in ITEM_NUMBERS]
    write(data / "movies.dat", films, "latin-1")
    users = [f"{n}::{'MF'[n % 2]}::{18 + n % 40}::{n % 20}::{10000 + 37 * n}" for n in USER_NUMBERS]
    write(data / "users.dat", users)


def movielens_20m(data: Path) -> None:
    """Four files of csv: ratings, films, tags and links."""
    ratings = [f"{e.user},{e.item},{e.stars / 2},{e.seconds}" for e in by_user()]
    write(data / "ratings.csv", ["userId,movieId,rating,timestamp", *ratings])
    films = [f'{n},"{title(n)}, The ({1950 + n})",Drama|War' for n in ITEM_NUMBERS]
    write(data / "movies.csv", ["movieId,title,genres", *films])
    tags = [f"{e.user},{e.item},dark,{e.seconds}" for e in by_user()[:50]]
    write(data / "tags.csv", ["userId,movieId,tag,timestamp", *tags])
    links = [f"{n},{114000 + n},{800 + n}" for n in ITEM_NUMBERS]
    write(data / "links.csv", ["movieId,imdbId,tmdbId", *links])


def recbole(data: Path) -> None:
    """Atomic files: names with their types behind a colon."""
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    events = [f"{e.user}\t{e.item}\t{e.stars}\t{e.seconds}" for e in by_user()]
    write(data / "ml.inter", [header, *events])
    films = [f"{n}\t{title(n)}\t{1950 + n}\tDrama War" for n in ITEM_NUMBERS]
    header = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"
    write(data / "ml.item", [header, *films])


def steam(data: Path) -> None:
    """Reviews and games as Python literals, one a line."""
    reviews = [
        {
            "username": f"pl\u00e4yer {e.user}",
            "hours": e.stars / 2,
            "products": 92,
            "product_id": str(725200 + e.item),
            "date": e.written("%Y-%m-%d"),
            "text": "It's fun",
            "early_access": False,
            "page": 1,
        }
        for e in by_user()
    ]
    write(data / "steam_reviews.json.gz", map(str, reviews))
    games = [
        {
            "publisher": "Kotoshiro",
            "genres": ["Action"],
            "app_name": title(n),
            "title": title(n),
            "url": f"http://store/{n}",
            "release_date": "2018-01-04",
            "price": 4.99,
            "id": str(725200 + n),
            "developer": "Koto",
        }
        for n in ITEM_NUMBERS
    ]
    write(data / "steam_games.json.gz", map(str, games))


def lastfm_1k(data: Path) -> None:
    """Plays newest first, no header line, quotes inside names, some tracks without an id."""
    lines = []
    for number, e in enumerate(newest_first()):
        artist = e.item % 15
        track = f"{e.item:08x}-3f4b-4b5a-9c6d-{e.item:012x}" if number % 40 else ""
        fields = (
            f"user_{e.user:06d}",
            e.written("%Y-%m-%dT%H:%M:%SZ"),
            f"{artist:08x}-aaaa-4b5a-9c6d-{artist:012x}",
            f'The "Band" {artist}',
            track,
            f'{title(e.item)} (12" Mix',
        )
        lines.append("\t".join(fields))
    write(data / "userid-timestamp-artid-artname-traid-traname.tsv", lines)


def goodreads(data: Path) -> None:
    """Four times a row, of which one is the event's, with its zone inside words."""
    events = [
        {
            "user_id": f"{e.user:032x}",
            "book_id": str(1384000 + e.item),
            "review_id": f"{number:032x}",
            "is_read": True,
            "rating": e.stars,
            "date_added": e.written("%a %b %d %H:%M:%S -0700 %Y"),
            "date_updated": e.written("%a %b %d %H:%M:59 -0700 %Y"),
            "read_at": "",
            "started_at": "",
        }
        for number, e in enumerate(by_user())
    ]
    write_json(data / "goodreads_interactions_poetry.json.gz", events)
    books = [
        {
            "isbn": "",
            "series": [],
            "country_code": "US",
            "authors": [{"author_id": "16"}],
            "book_id": str(1384000 + n),
            "title": title(n),
            "description": "Poems. " * 60,
        }
        for n in ITEM_NUMBERS
    ]
    write_json(data / "goodreads_books_poetry.json.gz", books)
