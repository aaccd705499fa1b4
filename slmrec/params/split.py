"""Section `split`: where training ends, and how long a model's input is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import TopSection


class SplitParams(TopSection):
    KEY = "split"

    method: Literal["temporal", "leave_one_out"]
    valid_from: str  # "30%" of events, "30d" back from the newest, or an ISO time
    test_from: str
    max_length: int = Field(ge=2)  # items that a model reads
    exclude_seen: bool  # whether an input's items are left out of its ranking
    # What a target is that stands in its own input, where such items are left out: a miss, as it is
    # where the model is served, or no target.
    seen_targets: Literal["miss", "left_out"]
