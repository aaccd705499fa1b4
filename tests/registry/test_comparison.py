"""Two bundles side by side: figures, lists in common, the contract."""

from __future__ import annotations

from pathlib import Path

from slmrec.registry.comparison import Opened, compare_versions
from slmrec.registry.recorded import record
from slmrec.runtime import Recommender
from tests.support.registries import bundle_of, small_project

HISTORIES = [["i5", "i9"], ["i3", "i4"], ["i20"]]
RENAMED = {"i41": "new41"}


def made(folder: Path, noise: float = 0.0, names: dict[str, str] | None = None) -> Path:
    bundle_of(folder / "bundle", noise, names)
    return folder / "bundle"


def compared(left: Path, right: Path) -> list[str]:
    return compare_versions(Opened.of("1.0.0", left), Opened.of("1.0.1", right))


def line_of(lines: list[str], name: str) -> str:
    (line,) = (line for line in lines if name in line)
    return line.removeprefix("  ").removeprefix(name).strip()


def record_beside(bundle: Path) -> None:
    recorded = record(Recommender(bundle, "cpu", 1), HISTORIES)
    (bundle.parent / "recorded.jsonl").write_bytes(recorded)


def test_a_bundle_beside_itself_differs_in_nothing(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    lines = compared(bundle, bundle)
    assert line_of(lines, "items in common, on average") == "100.0%"
    assert line_of(lines, "users whose list is the same") == "100.0%"
    assert line_of(lines, "users whose first item is another") == "0.0%"
    assert lines[-1] == "  the same contract and item ids"


def test_without_recorded_histories_the_golden_cases_are_asked(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    lines = compared(bundle, bundle)
    assert "lists of 10 after 14 golden cases of 1.0.1:" in lines  # a row each, and five mixed
    record_beside(bundle)
    assert "lists of 10 after 3 recorded histories of 1.0.1:" in compared(bundle, bundle)


def test_other_weights_show_in_the_lists_as_users_would_notice_them(tmp_path: Path) -> None:
    left, right = made(tmp_path / "left"), made(tmp_path / "right", 3.0)
    record_beside(right)
    lines = compared(left, right)
    before, after = (
        [
            [item.item for item in row]
            for row in Recommender(bundle, "cpu", 1).recommend(HISTORIES, 10)
        ]
        for bundle in (left, right)
    )
    common = [len({*old} & {*new}) / 10 for old, new in zip(before, after, strict=True)]
    assert line_of(lines, "items in common, on average") == f"{sum(common) / 3:.1%}"
    first = [old[0] != new[0] for old, new in zip(before, after, strict=True)]
    assert line_of(lines, "users whose first item is another") == f"{sum(first) / 3:.1%}"
    shown = [len({item for row in lists for item in row}) for lists in (before, after)]
    assert line_of(lines, "different items shown") == f"{shown[0]} -> {shown[1]}"


def test_an_item_that_the_other_does_not_know_is_asked_as_unknown(tmp_path: Path) -> None:
    left, right = made(tmp_path / "left"), made(tmp_path / "right", names=RENAMED)
    recorded = record(Recommender(right, "cpu", 1), [["new41", "i5"]])
    (right.parent / "recorded.jsonl").write_bytes(recorded)
    lines = compared(left, right)
    assert "  major  ids: index 41 was 'i41', is 'new41'" in lines


def test_recorded_quality_is_told_with_its_change(tmp_path: Path) -> None:
    left = small_project(tmp_path / "left", 0.5)
    right = small_project(tmp_path / "right")
    lines = compared(left, right)
    before, after, change = line_of(lines, "ndcg@10").split()
    assert after == "1.0000"
    assert float(change) == round(1 - float(before), 4)
    assert not any("different windows" in line for line in lines)


def test_different_windows_are_said_to_be_different(tmp_path: Path) -> None:
    bundle, other = made(tmp_path), small_project(tmp_path / "project")
    assert any("on different windows" in line for line in compared(bundle, other))
