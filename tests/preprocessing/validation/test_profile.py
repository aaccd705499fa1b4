"""The numbers of a version of the data, on logs that can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.preprocessing.validation.profile import LENGTH_BOUNDS, read_profile
from tests.support.logs import DAY, START, Workshop, as_csv


def test_the_numbers_of_small_logs(workshop: Workshop) -> None:
    # ann: x y x x, bob: x, eve: y z y; at hours so that bob comes last
    ann = [("ann", item, START + place, 1.0) for place, item in enumerate("xyxx")]
    eve = [("eve", item, START + DAY + place, 1.0) for place, item in enumerate("yzy")]
    bob = [("bob", "x", START + 2 * DAY, 1.0)]
    workshop.deliver("all.csv", as_csv([*ann, *eve, *bob]) + b"eve,,1700000000,1\n")
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.prepare()
    profile = read_profile(Path("events"))
    assert (profile.events, profile.users, profile.items) == (8, 3, 3)
    assert profile.first_time == "2023-11-14T22:13:20Z"
    assert profile.last_time == "2023-11-16T22:13:20Z"
    assert profile.median_history == 3 and profile.longest_history == 4
    assert profile.single_event_users == 1 / 3
    # the newest fifth of 8 are 2: eve's last, who has earlier ones, and bob's first
    assert profile.target_coverage == 1 / 2
    assert profile.popularity == {"x": 4 / 8, "y": 3 / 8, "z": 1 / 8}
    assert profile.top_item_share == 4 / 8
    assert profile.title_coverage == 0 and profile.new_item_share is None
    assert profile.quarantined == {"no item": 1} and profile.quarantine_share == 1 / 9
    assert dict(zip(LENGTH_BOUNDS, profile.lengths, strict=True)) == {
        **dict.fromkeys(LENGTH_BOUNDS, 0),
        1: 1,
        3: 2,  # histories of 3 and 4
    }
    assert [day["events"] for day in profile.days] == [4, 3, 1]
    assert json.loads(json.dumps(profile.as_json()))["violations"]["out_of_order"] == 0


def test_new_items_are_those_that_the_previous_index_does_not_hold(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv([("ann", item, START, 1.0) for item in "xyz"]))
    workshop.prepare()
    Path("data/index").mkdir()
    Path("events/items.parquet").rename("data/index/items.parquet")
    workshop.clear()
    workshop.deliver("all.csv", as_csv([("ann", item, START, 1.0) for item in "xzvw"]))
    workshop.prepare()
    # v and w of x, z, v and w; y is known, but has no event any more
    assert read_profile(Path("events")).new_item_share == 2 / 4


def test_no_event_is_told(workshop: Workshop) -> None:
    workshop.deliver("all.csv", as_csv([("ann", "x", START, 1.0)]))
    workshop.prepare()
    for path in Path("events/events").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DataError, match="holds no event"):
        read_profile(Path("events"))
