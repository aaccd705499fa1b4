"""Lists of items and how events link to them."""

from __future__ import annotations

from slmrec.init.columns.catalogues import (
    catalogues_of,
    choose_catalogue,
    find_title,
    item_links,
    link_strength,
)
from tests.init.support import profile, table

NUMBERS = list(range(1, 41))
TITLES = [f"Silver River {number}" for number in NUMBERS]
FILMS = table("movies.csv", movieId=NUMBERS, genres=["Drama"] * 40, title=TITLES)
PEOPLE = table("users.csv", id=list(range(1, 101)), zip=[10_000 + n for n in range(100)])
EVENTS = table(
    "ratings.csv",
    a=[1 + number % 20 for number in range(400)],
    b=[1 + number * 7 % 40 for number in range(400)],
)


def test_a_title_is_a_text_that_nearly_every_item_has_to_itself() -> None:
    title = find_title(FILMS, FILMS.column("movieId"))

    assert title is not None
    assert title.name == "title"


def test_without_names_long_texts_describe_and_short_ones_name() -> None:
    abstracts = [f"Shop the notebooks that people cannot live without. {n} " * 3 for n in NUMBERS]
    news = table("news.tsv", "none", a=[f"N{n}" for n in NUMBERS], b=abstracts, c=TITLES)

    title = find_title(news, news.column("a"))

    assert title is not None
    assert title.name == "c"


def test_users_counted_from_one_are_not_the_items_that_are_counted_from_one() -> None:
    links = item_links(EVENTS, catalogues_of([FILMS, PEOPLE, EVENTS]))

    assert links["b"] == 1.0
    assert links["a"] == 0.75  # all 20 users are numbers of films, of which half are not used


def test_the_list_with_titles_is_chosen_and_one_of_users_never() -> None:
    found = choose_catalogue(EVENTS.column("b"), EVENTS, catalogues_of([PEOPLE, FILMS, EVENTS]))

    assert found is not None
    assert (found.table.name, found.key.name) == ("movies.csv", "movieId")
    assert choose_catalogue(EVENTS.column("b"), EVENTS, catalogues_of([PEOPLE])) is None


def test_ids_written_as_floats_link_to_whole_numbers() -> None:
    floats = profile("item", [f"{number}.0" for number in NUMBERS])
    films = next(found for found in catalogues_of([FILMS]) if found.key.name == "movieId")

    assert link_strength(floats, films) == 1.0
