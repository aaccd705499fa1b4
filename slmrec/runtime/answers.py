"""What a call gives back: lists of items, and which of the ids that it was given were unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple


class Recommendation(NamedTuple):
    """An item by its external id; scores order the items of one list and mean nothing beyond it."""

    item: str
    title: str | None
    score: float


@dataclass(frozen=True)
class UnknownIds:
    """How many ids of a call the bundle does not know, each as often as it was given."""

    histories: int  # read as the unknown item
    exclude: int  # left aside
    first: str | None  # one of them, to look for; None where all were known


@dataclass(frozen=True)
class Recommendations:
    """A list for each history of a call, in the order of the call; read like a sequence of them."""

    lists: list[list[Recommendation]]
    unknown: UnknownIds

    def __len__(self) -> int:
        return len(self.lists)

    def __iter__(self) -> Iterator[list[Recommendation]]:
        return iter(self.lists)

    def __getitem__(self, place: int) -> list[Recommendation]:
        return self.lists[place]


class UnknownItemsWarning(UserWarning):
    """Ids that the bundle does not know were read as the unknown item."""
