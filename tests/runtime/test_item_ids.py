"""Ids become indices; unknown ones are counted, and what is no text is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.runtime.item_ids import look_up

INDEX = {"7": 2, "8": 3}


def test_ids_become_indices_row_by_row() -> None:
    found = look_up([["8", "7"], (), ["7"]], INDEX, "histories")
    assert found.indices.padded(np.arange(3), least=1).tolist() == [[3, 2], [0, 0], [2, 0]]
    assert found.unknown == []


def test_unknown_ids_are_read_as_unknown_and_listed_as_often_as_they_come() -> None:
    found = look_up([["9", "7", "9"], ["10"]], INDEX, "histories")
    assert found.indices.values.tolist() == [1, 2, 1, 1]
    assert found.unknown == ["9", "9", "10"]


def test_unknown_ids_are_counted_row_by_row() -> None:
    found = look_up([[], ["9", "7", "9"], ["8"], [], ["10"], []], INDEX, "histories")
    assert found.unknown_of_rows().tolist() == [0, 2, 0, 0, 1, 0]
    assert look_up([], INDEX, "histories").unknown_of_rows().tolist() == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["7"], [8]], r"histories\[1\] holds 8 \(int\); item ids are text"),
        ([list(np.array([7]))], r"holds np.int64\(7\) \(int64\)"),
        ([[None]], "holds None"),
        ([[b"7"]], r"holds b'7' \(bytes\)"),
        ([[["7"]]], r"holds \['7'\] \(list\)"),
    ],
)
def test_ids_that_are_no_text_are_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        look_up(rows, INDEX, "histories")


def test_text_of_numpy_is_text() -> None:
    assert look_up([list(np.array(["7", "x"]))], INDEX, "histories").unknown == ["x"]
