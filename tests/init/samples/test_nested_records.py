"""Objects inside records, by the paths that prepare reads."""

from __future__ import annotations

from typing import Any

from slmrec.init.samples.nested_records import flat_records


def test_each_object_of_a_list_of_events_is_a_row_with_its_record() -> None:
    events = [{"aid": 7, "ts": 1}, {"aid": 8, "ts": 2}]

    rows, key = flat_records([{"session": 5, "events": events}])

    assert key == "events"
    assert rows == [
        {"session": 5, "events.aid": 7, "events.ts": 1},
        {"session": 5, "events.aid": 8, "events.ts": 2},
    ]


def test_a_small_object_gives_paths_and_a_bag_of_properties_stays() -> None:
    bag = {f"property {number}": number for number in range(9)}
    records: list[dict[str, Any]] = [{"user": {"id": 1}, "item": 2, "details": bag}]

    rows, key = flat_records(records)

    assert key is None
    assert rows == [{"user.id": 1, "item": 2, "details": bag}]


def test_a_list_of_other_objects_is_left_as_it_is() -> None:
    authors: list[dict[str, Any]] = [
        {"book_id": 1, "authors": [{"author_id": 16}, {"author_id": 17}]}
    ] * 3
    sometimes: list[dict[str, Any]] = [{"user": 1, "events": [{"aid": 1}, {"aid": 2}]}, {"user": 2}]

    assert flat_records(authors) == (authors, None)
    assert flat_records(sometimes) == (sometimes, None)
