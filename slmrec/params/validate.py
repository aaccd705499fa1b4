"""Section `validate`: what the events have to fulfil, and how far they may drift."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from slmrec.params.section import Count, Section, Share, TopSection


class DriftParams(Section):
    action: Literal["warn", "stop"]
    max_popularity_shift: Share  # Jensen-Shannon distance of the items' shares of events
    max_length_shift: Share  # largest difference of the cumulative shares of history lengths
    max_volume_ratio: float = Field(ge=1)  # of events a day
    max_new_popular_items: Share  # of the 200 most popular items


class NewDaysParams(Section):
    max_volume_ratio: float = Field(ge=1)  # a new day's events by the median of 28 days before
    max_more_new: Share  # its share of new users, or items, above the highest of those days
    max_more_surprise: float = Field(ge=0)  # bits an event, above the highest of those days


class ValidateParams(TopSection):
    KEY = "validate"

    min_events: Count
    min_median_history: Count
    max_single_event_users: Share
    min_target_coverage: Share  # of the newest fifth: events whose user has an earlier one
    max_top_item_share: Share  # of events
    min_title_coverage: Share  # of events
    max_new_item_share: Share  # of the events' items, against the previous index
    max_volume_ratio: float = Field(ge=1)  # a day's events by the median of the 28 days before
    max_unusual_days: Share  # days above max_volume_ratio
    user_pattern: str  # regular expressions that every id must match
    item_pattern: str
    sample: Count  # users and items whose ids are held against the patterns
    new_days: NewDaysParams | None  # where there is a previous version; None: not judged
    drift: DriftParams
