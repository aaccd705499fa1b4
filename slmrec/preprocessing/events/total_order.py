"""The total order of events: time, then the sequence column, then a seeded hash of user and item.

Ordering ties by id would plant a fake signal that even a transition table exploits. The hash is
computed here (FNV-1a over the bytes, mixed by splitmix64's finaliser), so that no library's version
can change the order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

FNV_PRIME, FNV_BASIS = np.uint64(0x100000001B3), 0xCBF29CE484222325
TIME_BITS, ROW_BITS, HASH_BITS = 42, 22, 20
LOW_ROW = np.uint64((1 << ROW_BITS) - 1)
KEY = ["us", "sequence", "hash", "user_index", "item_index", "weight"]


@dataclass(frozen=True)
class Ordered:
    """Rows in total order, with those delivered twice set apart."""

    rows: pl.DataFrame  # as they came
    order: np.ndarray  # places of the events in `rows`
    repeated: np.ndarray  # places of rows that equal an event in the whole key
    ties: int  # events whose place among their user's is decided by the hash alone

    @property
    def events(self) -> pl.DataFrame:
        """All columns of the events."""
        return self.rows[self.order]

    @property
    def duplicates(self) -> pl.DataFrame:
        """All columns of the rows that were delivered twice."""
        return self.rows[self.repeated]

    def select(self, *columns: str | pl.Expr) -> Ordered:
        """The same order of some columns, which is quicker than the columns of the order."""
        return Ordered(self.rows.select(*columns), self.order, self.repeated, self.ties)


def hash_ids(ids: pl.Series, seed: int) -> np.ndarray:
    """A seeded 64-bit hash of each id's bytes (FNV-1a)."""
    data = np.frombuffer(ids.str.join().item().encode(), dtype=np.uint8)
    lengths = ids.str.len_bytes().to_numpy().astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    hashes = np.full(len(ids), FNV_BASIS ^ seed, dtype=np.uint64)
    active = np.arange(len(ids))
    for position in range(int(lengths.max(initial=0))):
        active = active[lengths[active] > position]
        hashes[active] = (hashes[active] ^ data[starts[active] + position]) * FNV_PRIME
    return mix(hashes)  # (N,) uint64


def mix(hashes: np.ndarray) -> np.ndarray:
    """Spread every bit over all others (splitmix64's finaliser)."""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed  # (N,) uint64


def hash_pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The hash of an event from those of its user and item; exchanging the two changes it."""
    return mix(users * np.uint64(0x9E3779B97F4A7C15) + items)  # (E,) uint64


def in_total_order(events: pl.DataFrame) -> Ordered:
    """Order events (KEY and any other columns); of rows equal in the whole key the first counts."""
    us = events["us"].to_numpy()
    order = _by_time(us)
    places = np.flatnonzero(_in_run(us[order]))
    order[places] = tied = _by_key(events, order[places])
    repeated = _equal_to_previous(events, tied)
    ties = _count_ties(events, np.delete(tied, repeated))
    return Ordered(events, np.delete(order, places[repeated]), tied[repeated], ties)


def _by_time(us: np.ndarray) -> np.ndarray:
    """Places in stable order of time.

    Where the span of time fits 42 bits and the place 22, single words are sorted, which is quicker.
    """
    places = np.arange(len(us), dtype=np.uint32)
    if (us[1:] >= us[:-1]).all():  # most logs are in order of time
        return places
    first = us.min()
    if int(us.max()) - int(first) >= 1 << TIME_BITS or len(us) > 1 << ROW_BITS:
        return np.argsort(us, kind="stable").astype(np.uint32)
    words = _sorted((us - first).astype(np.uint64) << np.uint64(ROW_BITS) | places)
    words &= LOW_ROW
    return words.astype(np.uint32)  # (N,)


def _by_key(events: pl.DataFrame, tied: np.ndarray) -> np.ndarray:
    """The rows `tied`, which are in order of time, in order of KEY.

    Where no sequence decides, sorting single words of time and hash does most of it.
    """
    sequence = events["sequence"]
    if len(tied) > 1 << ROW_BITS or sequence.min() != sequence.max():
        return _by_plain_sort(events, tied)
    moment = _numbered(events["us"].to_numpy()[tied])
    hashes = events["hash"].to_numpy()[tied] >> np.uint64(64 - HASH_BITS) << np.uint64(ROW_BITS)
    words = _sorted(moment << np.uint64(TIME_BITS) | hashes | np.arange(len(tied), dtype=np.uint64))
    tied = tied[words & LOW_ROW]
    undecided = np.flatnonzero(_in_run(words >> np.uint64(ROW_BITS)))
    tied[undecided] = _by_plain_sort(events, tied[undecided])
    return tied


def _by_plain_sort(events: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
    keys = events.select(KEY)[rows].with_columns(row=pl.Series(rows))
    return keys.sort(KEY, maintain_order=True)["row"].to_numpy()


def _sorted(words: np.ndarray) -> np.ndarray:
    """Sorted words, by a stable sort: it is quick where most are in order, as they are here."""
    return np.sort(words, kind="stable")


def _in_run(values: np.ndarray) -> np.ndarray:
    """Whether each value equals a neighbour."""
    in_run = np.zeros(len(values), dtype=bool)
    same = values[1:] == values[:-1]
    in_run[1:] = same
    in_run[:-1] |= same
    return in_run  # (N,)


def _numbered(values: np.ndarray) -> np.ndarray:
    """The number of each value's run of equal values, from 0."""
    return np.cumsum(_changes(values), dtype=np.uint64)  # (N,)


def _changes(values: np.ndarray) -> np.ndarray:
    """Whether each value differs from the one before it."""
    changes = np.zeros(len(values), dtype=bool)
    changes[1:] = values[1:] != values[:-1]
    return changes  # (N,)


def _equal_to_previous(events: pl.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Places in `rows` of those that equal the row before them in the whole KEY."""
    places = np.arange(1, len(rows))
    for name in ("hash", *KEY):  # the hash first: it leaves hardly any for the others
        values = events[name].to_numpy()
        places = places[values[rows[places]] == values[rows[places - 1]]]
    return places


def _count_ties(events: pl.DataFrame, tied: np.ndarray) -> int:
    """Events of a user that share time and sequence with another of that user."""
    changes = [_changes(events[name].to_numpy()[tied]) for name in ("us", "sequence")]
    moment = np.cumsum(changes[0] | changes[1], dtype=np.uint64)
    user_moments = _sorted(moment << np.uint64(32) | events["user_index"].to_numpy()[tied])
    return int(np.count_nonzero(_in_run(user_moments)))
