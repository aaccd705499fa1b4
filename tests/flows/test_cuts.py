"""Cuts in a project's params.yaml: all else stays, comments too."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows.cuts import Cuts, check_split, move_cuts
from slmrec.core.errors import UsageError

PARAMS = """\
split:
  method: temporal  # by time
  valid_from: 30%
  test_from: 20%
  max_length: 50
"""


def test_the_cuts_alone_are_changed(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    move_cuts(tmp_path, Cuts(valid_from="2%", test_from="1%"))
    expected = PARAMS.replace("30%", "2%").replace("20%", "1%")
    assert (tmp_path / "params.yaml").read_text() == expected


def test_a_split_without_times_is_named(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS.replace("temporal", "leave_one_out"))
    with pytest.raises(UsageError, match=r"needs split\.method temporal, .* has leave_one_out"):
        check_split(tmp_path)


def test_the_split_by_time_is_as_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    check_split(tmp_path)


@pytest.mark.parametrize("cut", ["2%", "0.5%", "3d", ".5d", "2026-03-01T00:00:00Z", "soon", "2"])
def test_cuts_are_those_that_split_reads(cut: str) -> None:
    known = cut[0].isdigit() and cut[-1] in "%dZ"
    with nullcontext() if known else pytest.raises(ValidationError):
        Cuts(valid_from=cut, test_from="1%")
