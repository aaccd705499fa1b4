"""What a column's name says of its role; values are asked first, names decide between equals."""

from __future__ import annotations

import re
from dataclasses import dataclass

USER, SESSION, ITEM, TIME = "user", "session", "item", "time"
SEQUENCE, WEIGHT, TYPE, TITLE = "sequence", "weight", "type", "title"
STEMS: dict[str, tuple[str, ...]] = {
    USER: (
        *("user", "usr", "uid", "u", "visitor", "reviewer", "customer", "cust", "client", "member"),
        *("buyer", "shopper", "account", "profile", "person", "people", "household", "viewer"),
        *("listener", "reader", "player", "guest", "cookie", "device", "patron", "consumer"),
        *("learner", "student", "subscriber", "msno"),
    ),
    SESSION: ("session", "basket", "order", "invoice", "cart", "visit", "playlist", "receipt"),
    ITEM: (
        *("item", "iid", "i", "parentasin", "asin", "product", "prod", "article", "movie", "film"),
        *("book", "isbn", "track", "traid", "song", "music", "artist", "artid", "business"),
        *("restaurant", "sku", "stockcode", "video", "photo", "news", "aid", "game", "app"),
        *("listing", "venue", "place", "location", "loc", "poi", "anime", "recipe", "content"),
        *("ad", "post", "course", "hotel", "job", "show", "doc", "page", "story", "document"),
    ),
    TIME: (
        *("time", "timestamp", "ts", "t", "date", "datetime", "when", "unixreviewtime", "tdat"),
        *("createdat", "created", "eventdate", "dateadded", "transactiondt", "day", "dt"),
        *("publishedat", "orderedat", "purchasedat", "viewedat", "playedat", "listenedat"),
    ),
    SEQUENCE: (
        *("sequence", "seq", "position", "pos", "step", "rank", "ordernumber", "addtocartorder"),
        *("timeframe", "order", "index", "number", "itemorder", "clickorder"),
    ),
    WEIGHT: (
        *("rating", "overall", "stars", "star", "score", "weight", "quantity", "qty", "count"),
        *("plays", "playcount", "watchratio", "hours", "listens", "bookrating", "amount"),
    ),
    TYPE: (
        *("event", "type", "eventtype", "action", "behavior", "behaviour", "kind", "activity"),
        *("interaction", "behaviortype", "actiontype", "interactiontype", "eventname"),
    ),
    TITLE: (
        *("title", "name", "label", "headline", "itemname", "productname", "prodname", "appname"),
        *("movietitle", "description", "tracktitle", "trackname", "traname", "productdesc"),
    ),
}
ID_ENDINGS = ("", "id", "ids", "key", "hash", "code", "no", "nr", "number", "idx", "index", "name")
ENDINGS_OF = {
    USER: ID_ENDINGS,
    ITEM: ID_ENDINGS,
    SESSION: ("", "id", "ids", "key", "hash"),  # an order's number is its place among the user's
}
# Words that turn a name into something else: a user's age, the item's category, a date of release.
OTHER_THINGS = frozenset(
    (
        *("age", "gender", "country", "category", "categories", "genre", "brand", "price", "url"),
        *("release", "released", "birth", "birthday", "signup", "registered", "expires", "dow"),
        *("updated", "update", "hour", "since", "prior", "features", "type", "vote"),
        *("votes", "image", "duration", "average", "avg", "mean", "std", "ip", "agent", "group"),
        *("end", "read", "started", "source", "channel", "zone", "offset", "lat", "lon"),
        *("latitude", "longitude", "bounds", "zip", "zipcode", "city", "state", "occupation"),
    )
)
EXCEPTIONS = {"eventtype", "behaviortype", "behaviourtype", "type", "actiontype"}
RECBOLE = re.compile(r":(token|float|token_seq|float_seq)$")


@dataclass(frozen=True)
class NameEvidence:
    """How much a name speaks for a role: 1 for the name itself, less where it only ends in it."""

    role: str
    weight: float


def words_of(name: str) -> list[str]:
    """The words of a column's name, in lower case: "reviewerID" is reviewer, id."""
    plain = RECBOLE.sub("", name)
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", plain)
    return re.findall(r"[a-z]+|\d+", split.lower())


def role_of_name(name: str) -> NameEvidence | None:
    """The role a name speaks for most, or None."""
    tried = [NameEvidence(role, weight_of_name(name, role)) for role in STEMS]
    best = max(tried, key=lambda evidence: evidence.weight)
    return best if best.weight > 0 else None


def weight_of_name(name: str, role: str) -> float:
    """How much a name speaks for a role, 0 to 1."""
    words = words_of(name)
    joined = "".join(words)
    if joined in EXCEPTIONS and joined in STEMS[role]:
        return 1.0
    if not words or set(words) & OTHER_THINGS:
        return 0.0
    if _names(joined, role):
        # A reviewer's name is no id as good as the reviewer's id; "u" may be many things.
        return 0.6 if words[-1:] == ["name"] and role in ENDINGS_OF else 1.0 if joined[1:] else 0.8
    endings = ("".join(words[start:]) for start in range(1, len(words)))
    return 0.6 if any(len(ending) > 2 and _names(ending, role) for ending in endings) else 0.0


def _names(text: str, role: str) -> bool:
    endings = ENDINGS_OF.get(role, ("",))
    return any(
        text.endswith(ending) and text.removesuffix(ending) in STEMS[role] for ending in endings
    )


def name_rank(name: str, role: str) -> int:
    """Place of a name's stem in the list of its role: earlier ones are preferred among equals."""
    joined = "".join(words_of(name))
    stems = STEMS[role]
    places = [
        stems.index(joined.removesuffix(ending))
        for ending in ID_ENDINGS
        if joined.endswith(ending) and joined.removesuffix(ending) in stems
    ]
    return min(places, default=len(stems))
