"""A section is read strictly, and what is wrong is named by its key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slmrec.core.errors import UsageError
from slmrec.params.compute import ComputeParams
from slmrec.params.section import Section, TopSection, read_yaml, validate_section

COMPUTE = "compute: {device: cpu, threads: 2, processes: 1, precision: fp32}\n"


class Weights(Section):
    ranking: float


class Students(TopSection):
    KEY = "students"
    FILE = "other.yaml"

    weights: Weights


def refused(text: str, folder: Path) -> str:
    """What a person is told when this text is params.yaml."""
    (folder / "params.yaml").write_text(text)
    with pytest.raises(UsageError) as refusal:
        ComputeParams.read(folder)
    return str(refusal.value).removeprefix(f"{folder}/")


def test_a_section_is_read_from_its_key_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(COMPUTE)
    assert ComputeParams.read(tmp_path).threads == 2
    (tmp_path / "other.yaml").write_text("students: {weights: {ranking: 1e-3}}\n")
    assert Students.read(tmp_path).weights.ranking == 0.001


def test_a_value_out_of_its_bounds_is_named_with_what_was_seen(tmp_path: Path) -> None:
    message = refused(COMPUTE.replace("threads: 2", "threads: 0"), tmp_path)
    expected = "params.yaml: compute.threads: Input should be greater than or equal to 1, saw 0"
    assert message == expected


def test_a_typo_is_named_rather_than_the_key_that_it_leaves_missing(tmp_path: Path) -> None:
    message = refused(COMPUTE.replace("threads", "thread"), tmp_path)
    assert re.match(r"params\.yaml: compute\.thread: Extra inputs are not permitted", message)


def test_a_missing_section_is_answered_with_those_that_are_there(tmp_path: Path) -> None:
    message = refused("prepare: {}\nsplit: {}\n", tmp_path)
    assert message == "params.yaml has no section compute; it has prepare, split"


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: {b: 1\n", "is not YAML: "), ("- 1\n", "holds list, expected sections")],
)
def test_a_file_that_holds_no_sections_is_named(tmp_path: Path, text: str, message: str) -> None:
    assert f"params.yaml {message}" in refused(text, tmp_path)


def test_a_file_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"params\.yaml is missing; run from the project's root"):
        read_yaml(tmp_path / "params.yaml")


def test_a_section_that_was_read_cannot_be_changed(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(COMPUTE)
    section = ComputeParams.read(tmp_path)
    with pytest.raises(ValueError, match="frozen"):
        section.threads = 3  # type: ignore[misc]


def test_an_error_of_the_whole_file_names_no_section() -> None:
    with pytest.raises(UsageError, match=r"^params\.yaml: ranking: Field required$"):
        validate_section(Weights, {}, Path("params.yaml"), key=None)
