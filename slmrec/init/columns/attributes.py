"""Weights, types, and titles that stand beside the events themselves."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from slmrec.init.columns.names import TITLE, TYPE, WEIGHT, weight_of_name, words_of
from slmrec.init.columns.profiles import Profile
from slmrec.init.columns.relations import determines
from slmrec.init.samples.sampled_table import NUMBER, TEXT

MOST_RATINGS = 21  # 0 to 10 in halves
MOST_TYPES = 20
ACTIONS = frozenset(
    (
        *(
            "view",
            "views",
            "click",
            "clicks",
            "cart",
            "carts",
            "buy",
            "purchase",
            "purchases",
            "pv",
        ),
        *("fav", "order", "orders", "addtocart", "transaction", "like", "play", "skip", "remove"),
        *("removefromcart", "add", "wish", "wishlist", "favorite", "favourite", "download", "read"),
        *("share", "rate", "search", "impression", "bookmark", "follow", "listen", "watch", "hate"),
    )
)


def choose_weight(columns: Sequence[Profile], owners: Sequence[Profile], named: bool) -> str | None:
    """The column of weights: numbers, none negative; without names a single column of ratings.

    `owners` are the user and the item, of which a rating is neither's alone.
    """
    free = [column for column in columns if _is_weight(column)]
    if not named:
        ratings = [column for column in free if _looks_like_ratings(column, owners)]
        return ratings[0].name if len(ratings) == 1 else None
    scores = {column.name: weight_of_name(column.name, WEIGHT) for column in free}
    best = max(scores, key=lambda name: scores[name], default=None)
    return best if best is not None and scores[best] >= 0.6 else None


def _is_weight(column: Profile) -> bool:
    return (
        column.column.kind == NUMBER
        and column.distinct > 1
        and not column.missing
        and min(column.numbers) >= 0
    )


def _looks_like_ratings(column: Profile, owners: Sequence[Profile]) -> bool:
    owned = any(determines(o.column.values, column.column.values) > 0.95 for o in owners)
    return column.distinct <= MOST_RATINGS and max(column.numbers) <= 10 and not owned


def negative_weight(columns: Sequence[Profile], taken: Collection[str]) -> str | None:
    """A column named as a weight that holds negative numbers, which prepare sets aside."""
    for column in columns:
        named = weight_of_name(column.name, WEIGHT) >= 0.6 and column.name not in taken
        if named and column.numbers and min(column.numbers) < 0:
            return column.name
    return None


def choose_type(columns: Sequence[Profile]) -> str | None:
    """The column that says what happened: few different words, by name or as actions are called."""
    for column in columns:
        if not 1 < column.distinct <= MOST_TYPES or column.missing:
            continue
        if weight_of_name(column.name, TYPE) >= 0.6 or _holds_actions(column):
            return column.name
    return None


def _holds_actions(column: Profile) -> bool:
    if column.column.kind != TEXT:
        return False
    known = sum("".join(words_of(value)) in ACTIONS for value in column.counts)
    return known >= 0.5 * column.distinct


def title_beside_events(
    item: Profile, columns: Sequence[Profile], taken: Collection[str]
) -> str | None:
    """A column of the events that names their items: one text each, most of them their own."""
    for column in columns:
        if column.name in taken or not column.looks_like_titles:
            continue
        named = weight_of_name(column.name, TITLE) >= 0.6 or "name" in words_of(column.name)
        own = column.distinct > 0.5 * item.distinct and (named or column.words >= 1.5)
        if own and determines(item.column.values, column.column.values) > 0.95:
            return column.name
    return None
