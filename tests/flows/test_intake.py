"""What a run takes in: complete, named, arrived, stable, and each content once."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from flows import intake
from flows.clone import Clone, open_clone
from flows.intake import Fetched, Order, look, take_in
from flows.landing import Landed
from flows.taken import Record
from slmrec.core.errors import UsageError
from tests.flows.test_champion import write_version
from tests.support.landing_flow import land, write_landing_flow

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
DAY = 86_400


class Intake:
    """A project, its landing folder and its clone."""

    def __init__(self, project: Path) -> None:
        self.landing = write_landing_flow(project)
        self.clone: Clone = open_clone(project, project.with_name("clone"))
        self.record, self.lines = Record(), list[str]()

    def order(self, day: date | None = None) -> Order:
        return Order(
            str(self.landing), day, None, False, False, "champion", None, None, 0, warm=False
        )

    def look(self, day: date | None = None) -> list[Landed]:
        return look(self.order(day), self.record, self.clone.folder, self.lines.append)

    def take(self, found: list[Landed]) -> list[Fetched]:
        return take_in(self.order(), self.record, self.clone, found, None, self.lines.append)

    def remember(self, fetched: list[Fetched]) -> None:
        taken = [*self.record.files, *(each.as_taken("1.0.0") for each in fetched)]
        self.record = Record(files=taken)


@pytest.fixture
def case(project: Path) -> Intake:
    return Intake(project)


def names(files: list[Landed]) -> list[str]:
    return [file.name for file in files]


def test_only_what_is_complete_and_named_by_params_is_looked_at(case: Intake) -> None:
    for name in ("b.inter", "a.inter", "c.inter.part", ".d.inter", "notes.txt"):
        land(case.landing, name, name)
    assert names(case.look()) == ["a.inter", "b.inter"]
    assert "left for later: c.inter.part is not complete" in case.lines
    assert any(line.startswith("left alone: notes.txt matches none") for line in case.lines)


def test_with_a_date_only_what_had_arrived_counts(case: Intake) -> None:
    land(case.landing, "a.inter", "1", FIRST)
    land(case.landing, "b.inter", "2", FIRST + DAY)
    assert names(case.look(date(2026, 3, 1))) == ["a.inter"]
    assert names(case.look()) == ["a.inter", "b.inter"]
    case.remember(case.take(case.look()))
    with pytest.raises(UsageError, match=r"b\.inter came after 2026-03-01"):
        case.look(date(2026, 3, 1))


def test_each_content_is_taken_once_and_late_days_are_welcome(case: Intake) -> None:
    land(case.landing, "a.inter", "1", FIRST)
    land(case.landing, "twin.inter", "1", FIRST)
    fetched = case.take(case.look())
    assert [each.is_new for each in fetched] == [True, False]
    case.remember(fetched)
    assert case.look() == []
    land(case.landing, "renamed.inter", "1", FIRST)
    land(case.landing, "late.inter", "0", FIRST - 9 * DAY)
    fetched = case.take(case.look())
    assert [(each.file.name, each.is_new) for each in fetched] == [
        ("late.inter", True), ("renamed.inter", False),
    ]  # fmt: skip
    data = case.clone.folder / "data"
    assert (data / "late.inter").is_file() and not (data / "renamed.inter").exists()
    assert not (data / "twin.inter").exists()


def test_what_was_taken_before_is_known_without_dvc_and_without_a_wait(
    case: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(case.landing, "a.inter", "1", FIRST)
    case.remember(case.take(case.look()))
    land(case.landing, "again.inter", "1", FIRST + DAY)
    monkeypatch.setattr(intake, "check_out", lambda *_: pytest.fail("DVC takes seconds to start"))
    hour = replace(case.order(), settle_seconds=3600)
    (fetched,) = take_in(hour, case.record, case.clone, case.look(), None, case.lines.append)
    assert (fetched.file.name, fetched.is_new) == ("again.inter", False)


def test_a_forced_run_with_nothing_new_takes_the_models_it_is_told_to(
    case: Intake, tmp_path: Path
) -> None:
    version = write_version(tmp_path / "registry" / "1.2.0")
    first = replace(case.order(), force=True, warm=True)
    take_in(first, case.record, case.clone, [], None, case.lines.append)
    assert "nothing is published yet, so trainings start anew" in case.lines
    brought = case.clone.folder / "data" / "index" / "champion" / "teacher" / "model.safetensors"
    take_in(first, case.record, case.clone, [], version, case.lines.append)
    assert brought.read_text() == "teacher"
    pinned = (case.clone.folder / "data.dvc").read_bytes()
    take_in(case.order(), case.record, case.clone, [], None, case.lines.append)
    assert brought.is_file()  # nothing is new, and nothing was forced
    cold = replace(case.order(), force=True)
    take_in(cold, case.record, case.clone, [], None, case.lines.append)
    assert not brought.exists()
    assert (case.clone.folder / "data.dvc").read_bytes() != pinned


def test_what_the_last_versions_data_holds_is_not_taken_again(case: Intake, project: Path) -> None:
    (case.landing / "again.inter").write_bytes((project / "data" / "small.inter").read_bytes())
    pin = (case.clone.folder / "data.dvc").read_bytes()
    (fetched,) = case.take(case.look())
    assert not fetched.is_new
    assert (case.clone.folder / "data.dvc").read_bytes() == pin


def test_a_file_of_a_known_name_replaces_it(case: Intake, project: Path) -> None:
    land(case.landing, "small.inter", "corrected")
    case.take(case.look())
    assert "corrected" in (case.clone.folder / "data" / "small.inter").read_text()
    assert "corrected" not in (project / "data" / "small.inter").read_text()


@pytest.mark.parametrize("after", ["the first look", "it was read"])
def test_a_file_that_somebody_writes_to_is_left_for_later(
    case: Intake, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    land(case.landing, "a.inter", "1", FIRST)
    growing = land(case.landing, "growing.inter", "2", FIRST)
    found = case.look()
    if after == "the first look":
        growing.write_text("more")
    else:
        fetch = intake.Landing.fetch

        def written_meanwhile(landing: intake.Landing, file: Landed, target: Path) -> str:
            os.utime(growing)
            return fetch(landing, file, target)

        monkeypatch.setattr(intake.Landing, "fetch", written_meanwhile)
    assert [each.file.name for each in case.take(found)] == ["a.inter"]
    assert "left for later: growing.inter is being written" in case.lines
    assert not (case.clone.folder / "data" / "growing.inter").exists()


def test_the_landing_folder_stays_as_it_is_and_nothing_is_left_beside_the_clone(
    case: Intake,
) -> None:
    file = land(case.landing, "a.inter", "1", FIRST)
    before = (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_mode)
    case.take(case.look())
    assert (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_mode) == before
    beside = {path.name for path in case.clone.folder.parent.iterdir()}
    assert beside == {"project", "landing", "clone"}
