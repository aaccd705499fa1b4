"""Cuts in a project's params.yaml: all else stays, comments too."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cuts import Cuts, move_cuts
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
        move_cuts(tmp_path, Cuts(valid_from="2%", test_from="1%"))
