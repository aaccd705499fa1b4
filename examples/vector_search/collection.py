"""The items' vectors of a bundle as a Qdrant collection, and a user's search in it.

The score is the student's alone: the inner product, without what neighbours and a trend add to the
lists of model.onnx (docs/consumers.md, "Further graphs").
"""

from __future__ import annotations

from collections.abc import Sequence

from qdrant_client import QdrantClient
from qdrant_client.models import (
    Distance,
    FieldCondition,
    Filter,
    HasIdCondition,
    MatchTextAny,
    ScoredPoint,
    VectorParams,
)

from slmrec.runtime import UserTower

NAME = "items"


def fill(client: QdrantClient, tower: UserTower) -> int:
    """A new collection of every item that can be recommended; how many these are.

    A point's id is the item's index; its payload is what a person or a filter wants to know.
    """
    table, first = tower.item_vectors, tower.contract["items"]["first"]
    # Nothing is normalised: by cosine the lists would be others.
    client.create_collection(NAME, VectorParams(size=tower.width, distance=Distance.DOT))
    places = [int(index) - first for index in table.items]
    client.upload_collection(
        NAME,
        vectors=table.vectors,
        ids=table.items.tolist(),
        payload=[
            {"item": tower.items.ids[place], "title": tower.items.titles[place]} for place in places
        ],
    )
    return len(places)


def search(
    client: QdrantClient,
    tower: UserTower,
    history: Sequence[str],
    k: int,
    title_words: str | None,
) -> list[ScoredPoint]:
    """The k best items that are not in the history, best first.

    With `title_words`, only items whose title has one of them. Ids that the bundle does not know
    are read as the unknown item.
    """
    (vector,) = tower.embed([history], unknown="ignore").vectors
    seen = [tower.items.index[item] for item in history if item in tower.items.index]
    must = []
    if title_words:
        must.append(FieldCondition(key="title", match=MatchTextAny(text_any=title_words)))
    wanted = Filter(must=must, must_not=[HasIdCondition(has_id=seen)])
    return client.query_points(NAME, query=vector, query_filter=wanted, limit=k).points
