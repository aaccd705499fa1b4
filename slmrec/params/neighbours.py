"""Section `neighbours`: which items are close to which, from events and from titles."""

from __future__ import annotations

from pydantic import Field

from slmrec.params.section import Count, Section, Share, TopSection


class GraphParams(Section):
    distance: Count  # training events of one history that stand at most so far apart form a pair
    closeness: float = Field(ge=0)  # a pair d apart weighs d ** -closeness
    backward: Share  # weight of a pair that is read backwards; 1 forgets the order
    # A pair's weight is divided by these powers of its items' numbers of training events.
    source_power: Share
    target_power: Share
    two_hops: float = Field(ge=0)  # weight of the neighbours of an item's neighbours
    # As a pair ages by this share of the time that training spans, it weighs half; None: never.
    half_life: float | None = Field(gt=0)


class TitleParams(Section):
    words: Count  # the longest run of words that counts as one term
    most_titles: Count  # a term that more titles hold tells them apart no better than chance


class NeighboursParams(TopSection):
    KEY = "neighbours"

    count: Count  # neighbours that an item keeps
    newest: Count  # items of a history, the newest ones, whose neighbours are looked at
    graph: GraphParams
    transitions: bool  # whether a table of its own says what follows an item directly
    titles: TitleParams | None  # None: titles are not compared
