"""Ordered sequences become logs whose clock keeps their order."""

from __future__ import annotations

from pathlib import Path

from benchmarks.sequence_logs import write_logs

SEQUENCES = "7 30 20\n8 20\n"


def test_every_event_comes_one_second_after_the_one_before_it(tmp_path: Path) -> None:
    (tmp_path / "sequences.txt").write_text(SEQUENCES)
    write_logs(tmp_path / "sequences.txt", tmp_path / "events.csv")
    assert (tmp_path / "events.csv").read_text().splitlines() == [
        "user,item,timestamp",
        "7,30,1000000000",
        "7,20,1000000001",
        "8,20,1000000000",
    ]


def test_each_users_last_event_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "sequences.txt").write_text(SEQUENCES)
    write_logs(tmp_path / "sequences.txt", tmp_path / "events.csv", drop_last=True)
    # User 7 keeps item 30, user 8 nothing.
    lines = (tmp_path / "events.csv").read_text().splitlines()
    assert lines == ["user,item,timestamp", "7,30,1000000000"]
