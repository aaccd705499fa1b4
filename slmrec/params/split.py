"""Section `split`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import TopSection


class SplitParams(TopSection):
    KEY = "split"

    method: Literal["temporal", "leave_one_out"]
    valid_from: str  # "30%" of events, "30d" back from the newest, or an ISO time
    test_from: str
    max_length: int = Field(ge=2)
    exclude_seen: (
        bool  # whether items of the input are left out of its ranking; not where repeats matter
    )
