"""The total order of events: time, then the sequence column, then a seeded hash of user and item.

Ordering ties by id would plant a fake signal that even a transition table exploits.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import polars as pl


def hash_ids(ids: pl.Series, seed: int) -> np.ndarray:
    """A 64-bit hash of each id that no library version changes.  # (N,) uint64"""
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(text.encode(), digest_size=8, key=key).digest() for text in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def hash_pairs(users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Mix the hashes of an event's user and item (splitmix64's finaliser).  # (E,) uint64"""
    mixed = users * np.uint64(0x9E3779B97F4A7C15) + items
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
