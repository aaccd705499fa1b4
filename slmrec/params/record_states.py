"""Section `record_states`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, TopSection


class RecordStatesParams(TopSection):
    KEY = "record_states"

    keep: Literal["disk", "nothing"]  # nothing: the states are computed anew wherever they are read
    blocks: list[Count] = Field(min_length=1)
    top: Count
    precision: Literal["float16", "float32"]
    shard_positions: Count
