"""A published version watched: what was served beside what its gate had seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slmrec.core.errors import PromiseError
from slmrec.core.files import read_json
from slmrec.registry.alarms import Thresholds
from slmrec.registry.monitor import Logs, report_lines, tell, watch
from slmrec.registry.recorded import read_recorded
from slmrec.registry.store import Registry

LIMITS = Thresholds(2, 10, 0.2, 0.9, 0.5, 14)
OFF = Thresholds(None, 10, None, None, None, None)


def write_log(registry: Registry, path: Path, chosen: int) -> Path:
    """What the version shows after its recorded histories, on two days.

    On the second day each user chooses the item at the place `chosen` of the list.
    """
    recorded = read_recorded((registry.folder / "1.0.0" / "recorded.jsonl").read_bytes())
    rows = [
        {
            "user": f"u{user}",
            "time": f"2026-01-0{day + 1}T12:00:00Z",
            "items": entry.items[:5],
            "history": entry.history,
            "clicked": [*entry.items, "gone"][chosen if day else 0],
        }
        for day in range(2)
        for user, entry in enumerate(recorded)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def now(registry: Registry, days: float = 0) -> datetime:
    record = read_json(registry.folder / "1.0.0" / "record.json")
    return datetime.fromisoformat(record["published_at"]) + timedelta(days=days)


def test_a_version_that_does_as_expected_raises_no_alarm(
    published: Registry, tmp_path: Path
) -> None:
    log = write_log(published, tmp_path / "log.jsonl", chosen=0)
    report = watch(published, "current", Logs(log, None, 24), LIMITS, now(published, 3))
    assert report["alarms"] == []
    assert (report["version"], report["champion"]) == ("1.0.0", "1.0.0")
    assert report["newest"] == {"version": "1.0.0", "age_days": 3}
    # each user's next item is the graph's first choice, tests/support/registries.py
    assert report["expected"] == {"hr@10": 1.0, "users": 60}
    assert [day["hit_rate"] for day in report["days"]] == [1.0, 1.0]
    assert report["unknown_items"] == 0
    assert report["overlap"] == {"with": "1.0.0", "histories": 40, "share": 0.5}  # 5 of 10 shown
    assert report["exposure"]["top"][0]["share"] == max(
        entry["share"] for entry in report["exposure"]["top"]
    )
    lines = list(report_lines(report))
    assert lines[-1] == "no alarm"
    assert any(line.startswith("2026-01-02") for line in lines)


def test_users_who_choose_what_was_not_shown_raise_alarms_by_name(
    published: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = write_log(published, tmp_path / "log.jsonl", chosen=-1)
    one_day = Thresholds(1, 10, 0.01, 0.01, 0.6, 2)
    report = watch(published, "1.0.0", Logs(log, None, 24), one_day, now(published, 3))
    names = ["hit-rate", "unknown-items", "exposure", "overlap", "no-new-version"]
    assert [alarm["name"] for alarm in report["alarms"]] == names
    with pytest.raises(PromiseError, match=f"5 of the thresholds are passed: {', '.join(names)}"):
        tell(report, tmp_path / "monitor.json")
    assert "BELOW" in capsys.readouterr().out
    assert read_json(tmp_path / "monitor.json") == report


def test_without_a_log_only_the_age_is_judged(published: Registry) -> None:
    assert watch(published, "current", None, LIMITS, now(published, 13))["alarms"] == []
    (alarm,) = watch(published, "current", None, LIMITS, now(published, 15))["alarms"]
    assert alarm["name"] == "no-new-version"
    assert watch(published, "current", None, OFF, datetime(2100, 1, 1, tzinfo=UTC))["alarms"] == []


def test_events_beside_the_log_count_as_chosen(published: Registry, tmp_path: Path) -> None:
    log = write_log(published, tmp_path / "log.jsonl", chosen=0)
    events = tmp_path / "events.csv"
    events.write_text("user,time,item\nu0,2026-01-01T12:00:05Z,gone\n")
    report = watch(published, "1.0.0", Logs(log, events, 24), LIMITS, now(published))
    assert [day["followed"] for day in report["days"]] == [1, 0]
    assert report["days"][0]["hit_rate"] == 0
    assert any("too few users" in line for line in report_lines(report))
