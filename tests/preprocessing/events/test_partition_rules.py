"""What duplicates and rules leave out of a partition is set aside by file and row."""

from __future__ import annotations

import polars as pl

from tests.support.logs import DAY, START, Workshop, as_csv

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]


def test_a_duplicate_is_told_by_file_and_row(workshop: Workshop) -> None:
    workshop.deliver("a.csv", as_csv(GOOD[:100]))
    workshop.deliver("b.csv", as_csv(GOOD[99:]))
    workshop.deliver("c.csv", as_csv(GOOD[:100]))
    counts = workshop.prepare()
    assert counts["left_out"] == {"duplicate": 101} and counts["events"] == 200
    table = workshop.quarantine()
    assert table.filter(pl.col("file") == "logs/c.csv")["row"].to_list() == list(range(1, 101))
    assert table.filter(pl.col("file") == "logs/b.csv")["row"].to_list() == [1]


def test_a_rule_sees_a_user_over_all_partitions_and_files(workshop: Workshop) -> None:
    # three months are three partitions; the first event of each user is too old
    months = [
        [("ann", f"item {month}", START + 40 * month * DAY, 1), ("bob", "x", START + month, 1)]
        for month in range(3)
    ]
    for month, events in enumerate(months):
        workshop.deliver(f"{month}.csv", as_csv(events))
    workshop.set(prepare__max_history=2)
    counts = workshop.prepare()
    assert counts["events"] == 4 and counts["left_out"] == {"beyond longest history": 2}
    assert workshop.quarantine().select("file", "row").rows() == [
        ("logs/0.csv", 1),
        ("logs/0.csv", 2),
    ]


def test_duplicates_are_set_aside_before_rules_count(workshop: Workshop) -> None:
    # two equal rows are one event, which is no repeat
    workshop.set(prepare__repeats="first")
    workshop.deliver("a.csv", as_csv([GOOD[0], GOOD[0], GOOD[1]]))
    assert workshop.prepare()["left_out"] == {"duplicate": 1}
