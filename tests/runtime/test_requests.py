"""A wrong shape or type is one clear line, and never a wrong list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.runtime.requests import check_exclusions, check_k, check_unknown, id_rows


@pytest.mark.parametrize(
    "rows",
    [
        [["7", "8"], []],
        (("7", "8"), ()),
        [*np.array([["7", "8"]]).tolist(), []],
        [np.array(["7", "8"]), []],
        [iter(["7", "8"]), iter([])],
        (row for row in (["7", "8"], [])),
    ],
)
def test_any_sequences_of_ids_are_read(rows: Any) -> None:
    assert id_rows(rows, "histories") == [["7", "8"], []]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["181", "172"], r"histories\[0\] is '181' \(str\)"),
        ("181", r"histories is '181' \(str\)"),
        (None, r"histories is None \(NoneType\)"),
        ([None], r"histories\[0\] is None"),
        ([["7"], [8]], r"histories\[1\] holds 8 \(int\); item ids are text"),
        ([np.array([7])], r"holds np.int64\(7\) \(int64\)"),
        ([[None]], r"holds None"),
        ([[["7"]]], r"holds \['7'\] \(list\)"),
        (5, r"histories is 5 \(int\)"),
        ([b"71"], r"histories\[0\] is b'71' \(bytes\)"),
    ],
)
def test_what_is_no_sequence_of_ids_is_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        id_rows(rows, "histories")


@pytest.mark.parametrize("k", ["5", 2.7, None, True, [5], np.float64(5)])
def test_a_k_that_is_no_whole_number_is_refused(k: Any) -> None:
    with pytest.raises(UsageError, match="give a whole number from 1 to 9"):
        check_k(k, 9)


def test_a_k_of_numpy_is_a_whole_number_too() -> None:
    assert check_k(np.int64(5), 9) == 5


@pytest.mark.parametrize("unknown", ["ignore", None, True])
def test_an_unknown_wish_about_unknown_ids_is_refused(unknown: Any) -> None:
    with pytest.raises(UsageError, match="give 'refuse' or 'warn'"):
        check_unknown(unknown)


def test_exclusions_are_counted() -> None:
    check_exclusions(None, 2)
    check_exclusions([[], ["7"]], 2)
    with pytest.raises(UsageError, match="1 exclusions for 2 histories"):
        check_exclusions([[]], 2)
