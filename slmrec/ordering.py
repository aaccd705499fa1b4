"""The total order of events: time, then the sequence column, then a seeded hash of user and item.

Ordering ties by id would plant a fake signal that even a transition table exploits. The hash is arithmetic of our own
(FNV-1a over the bytes, mixed by splitmix64's finaliser): no library's version can change the order.
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
    """Events in total order, those delivered twice apart, and the number of events whose time does not order them."""

    events: pl.DataFrame
    duplicates: pl.DataFrame
    ties: int


def hash_ids(ids: pl.Series, seed: int) -> np.ndarray:
    """A seeded 64-bit hash of each id's bytes.  # (N,) uint64"""
    data = np.frombuffer("".join(ids).encode(), dtype=np.uint8)
    lengths = ids.str.len_bytes().to_numpy().astype(np.int64)
    place = np.cumsum(lengths) - lengths
    hashes = np.full(len(ids), FNV_BASIS ^ seed, dtype=np.uint64)
    active = np.arange(len(ids))
    for position in range(int(lengths.max(initial=0))):
        active = active[lengths[active] > position]
        hashes[active] = (hashes[active] ^ data[place[active] + position]) * FNV_PRIME
    return mix(hashes)


def mix(hashes: np.ndarray) -> np.ndarray:
    """Spread every bit over all others (splitmix64's finaliser).  # (N,) uint64"""
    mixed = hashes ^ (hashes >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def hash_pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The hash of an event from the hashes of its user and item; not the same with the two exchanged.  # (E,) uint64"""
    return mix(users * np.uint64(0x9E3779B97F4A7C15) + items)


def in_total_order(events: pl.DataFrame) -> Ordered:
    """Sort events (KEY and any other columns) and take those equal in the whole key apart, but for the first."""
    events = _sorted(events)
    tied = equal_to_previous(events, ["us"])
    if not tied.any():
        return Ordered(events, events.clear(), 0)
    again = equal_to_previous(events, KEY)
    duplicates = events.filter(again)
    events = events.filter(~again)
    return Ordered(events, duplicates, count_ties(events))


def _sorted(events: pl.DataFrame) -> pl.DataFrame:
    """Sort by KEY. Where time fits 42 bits and the row number 22, sorting single words does most of it."""
    us = events["us"].to_numpy()
    span = int(us.max(initial=0)) - int(us.min(initial=0)) if len(us) else 0
    sequence = events["sequence"]
    if span >= 1 << TIME_BITS or len(us) > 1 << ROW_BITS or sequence.min() != sequence.max():
        return events.sort(KEY)
    row = np.arange(len(us), dtype=np.uint64)
    order = _order_of((us - us.min()).astype(np.uint64) << np.uint64(ROW_BITS) | row)
    moment = _numbered(us[order])
    hashes = events["hash"].to_numpy() >> np.uint64(64 - HASH_BITS) << np.uint64(ROW_BITS)
    words = np.sort(moment << np.uint64(TIME_BITS) | hashes[order] | order)
    events = events[(words & LOW_ROW).astype(np.uint32)]
    open_still = words[1:] >> np.uint64(ROW_BITS) == words[:-1] >> np.uint64(ROW_BITS)
    if not open_still.any():
        return events
    places = np.flatnonzero(np.append(open_still, False) | np.append(False, open_still))
    order = np.arange(len(us), dtype=np.uint32)
    order[places] = events[places].with_columns(place=pl.Series(places, dtype=pl.UInt32)).sort(KEY)["place"].to_numpy()
    return events[order]


def _order_of(words: np.ndarray) -> np.ndarray:
    """Row numbers, in the low bits of the words, in order of the words.  # (N,) uint64"""
    return np.sort(words) & LOW_ROW


def _numbered(values: np.ndarray) -> np.ndarray:
    """Number the runs of equal values from 0.  # (N,) uint64"""
    return np.cumsum(np.append(False, values[1:] != values[:-1])).astype(np.uint64)


def equal_to_previous(events: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Whether each row equals the one before it in these columns.  # (E,)"""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in columns)
    return events.select(same.fill_null(False).alias("same")).to_series()


def count_ties(events: pl.DataFrame) -> int:
    """Events of a user that share time and sequence with another of that user: their order is the hash's."""
    again = equal_to_previous(events, ["us", "sequence"]).to_numpy()
    moment = np.cumsum(~again)
    tied = again | np.append(again[1:], False)
    moment, events = moment[tied], events.filter(pl.Series(tied))
    whose = np.sort((moment.astype(np.uint64) << np.uint64(32)) | events["user_index"].to_numpy())
    same = whose[1:] == whose[:-1]
    return int(np.count_nonzero(np.append(same, False) | np.append(False, same)))
