"""Section `validate`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, Section, Share, TopSection


class DriftParams(Section):
    action: Literal["warn", "stop"]
    max_popularity_shift: Share
    max_length_shift: Share
    max_volume_ratio: float = Field(ge=1)
    max_new_popular_items: Share


class ValidateParams(TopSection):
    KEY = "validate"

    min_events: Count
    min_median_history: Count
    max_single_event_users: Share
    min_target_coverage: Share
    max_top_item_share: Share
    min_title_coverage: Share
    max_new_item_share: Share
    max_volume_ratio: float = Field(ge=1)
    max_unusual_days: Share
    user_pattern: str
    item_pattern: str
    sample: Count
    drift: DriftParams
