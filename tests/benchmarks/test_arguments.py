"""The arguments that experiments share."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.arguments import DATA, experiment_parser, working_parser


def test_an_experiment_works_in_the_temporary_folder_unless_told_otherwise() -> None:
    parser = experiment_parser("What is measured.", work="some-folder", threads=3)
    defaults = parser.parse_args([])
    assert defaults.work == Path(tempfile.gettempdir()) / "some-folder"
    assert (defaults.data, defaults.threads) == (DATA, 3)
    given = parser.parse_args(["--work", "here", "--threads", "1"])
    assert (given.work, given.threads) == (Path("here"), 1)


def test_what_simulates_its_logs_has_no_folder_of_public_sets() -> None:
    defaults = working_parser("What is measured.", work="some-folder").parse_args([])
    assert vars(defaults) == {"work": Path(tempfile.gettempdir()) / "some-folder"}
