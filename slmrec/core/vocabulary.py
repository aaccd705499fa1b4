"""The reserved item indices. Kept apart from the tables so that the runtime needs no Polars."""

from __future__ import annotations

PAD = 0  # right padding
UNK = 1  # an item id the model has never heard of
FIRST_ITEM = 2
