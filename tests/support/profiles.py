"""A profile of small data, for tests of what is made from one."""

from __future__ import annotations

from slmrec.preprocessing.validation.event_scan import Violations
from slmrec.preprocessing.validation.profile import Profile

PROFILE = Profile(
    events=1200,
    users=20,
    items=3,
    first_time="2023-11-14T22:13:20Z",
    last_time="2023-11-16T00:00:00Z",
    violations=Violations(),
    median_history=60.0,
    longest_history=100,
    single_event_users=0.05,
    target_coverage=0.9,
    top_item_share=0.5,
    title_coverage=0.75,
    new_item_share=None,
    quarantine_share=0.02,
    days=[
        {"day": "2023-11-14", "events": 400, "new_users": 15, "new_items": 2},
        {"day": "2023-11-15", "events": 800, "new_users": 5, "new_items": 1},
    ],
    lengths=[1, 0, 0, 0, 0, 0, 9, 10, 0, 0, 0],
    popularity={"x": 0.5, "y": 0.25, "z": 0.25},
    quarantined={"no item": 4, "malformed line": 20},
    new_days=[],
)
