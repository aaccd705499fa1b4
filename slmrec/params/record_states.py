"""Section `record_states`: what is recorded of the teacher."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, TopSection


class RecordStatesParams(TopSection):
    KEY = "record_states"

    keep: Literal["disk", "nothing"]  # nothing: states are computed wherever they are read
    blocks: list[Count] = Field(min_length=1)  # teacher layers whose states are recorded, from 1
    top: Count  # items whose scores are recorded at a position
    precision: Literal["float16", "float32"]
    shard_positions: Count  # training positions a file
