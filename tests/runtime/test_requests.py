"""A wrong shape or type is one clear line, and never a wrong list."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slmrec.core.errors import UsageError
from slmrec.runtime.requests import (
    check_choice,
    check_count,
    check_exclude_seen,
    check_exclusions,
    check_ids,
    check_k,
    id_rows,
    index_rows,
)


@pytest.mark.parametrize(
    "rows",
    [
        [["7", "8"], []],
        (("7", "8"), ()),
        [np.array(["7", "8"]), []],
        [iter(["7", "8"]), iter([])],
        (row for row in (["7", "8"], [])),
        np.array([["7", "8"]]),
    ],
)
def test_any_sequences_of_ids_are_read(rows: Any) -> None:
    read = [list(row) for row in id_rows(rows, "histories", ordered=True)]
    assert read[0] == ["7", "8"]
    assert read[1:] in ([[]], [])  # an array has no rows of different lengths


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["181", "172"], r"histories\[0\] is '181' \(str\)"),
        ("181", r"histories is '181' \(str\)"),
        (None, r"histories is None \(NoneType\)"),
        ([None], r"histories\[0\] is None"),
        (5, r"histories is 5 \(int\)"),
        ([b"71"], r"histories\[0\] is b'71' \(bytes\)"),
        (np.array(["7", "8"]), r"histories\[0\] is np.str_\('7'\) \(str_\)"),
        ({"7": ["8"]}, r"histories is {'7': \['8'\]} \(dict\)"),
        ([{"7": 1}], r"histories\[0\] is {'7': 1} \(dict\)"),
        ({("7",)}, r"histories is {\('7',\)} \(set\)"),
        ([{"7"}], r"histories\[0\] is {'7'} \(set\), which has no order"),
        (np.array(5), r"histories is array\(5\) \(ndarray\)"),
    ],
)
def test_what_is_no_sequence_of_ids_is_refused_by_name(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        id_rows(rows, "histories", ordered=True)


def test_a_set_will_do_where_order_does_not_count() -> None:
    assert id_rows([{"7"}], "exclude", ordered=False) == [["7"]]


def test_ids_are_text() -> None:
    check_ids([["7"], []], "histories")
    with pytest.raises(UsageError, match=r"histories\[1\] holds 8 \(int\); item ids are text"):
        check_ids([["7"], ["7", 8]], "histories")


@pytest.mark.parametrize(
    "rows", [[[5, 9], [8, 0]], np.array([[5, 9], [8, 0]], dtype=np.int32), ((5, 9), (8, 0))]
)
def test_tables_of_whole_numbers_are_read(rows: Any) -> None:
    read = index_rows(rows, "history")
    assert read.tolist() == [[5, 9], [8, 0]]
    assert read.dtype == np.int64
    assert index_rows(np.zeros((2, 0)), "exclude", (1, 2)).dtype == np.int64


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([5, 9], r"history is \[5, 9\] \(list\)"),
        ([[5], [9, 8]], "give a table of whole numbers"),
        ([[5.0]], "give a table of whole numbers"),
        ([["5"]], "give a table of whole numbers"),
        ([[True]], "give a table of whole numbers"),
        (None, r"history is None \(NoneType\)"),
        ([[5]] * 3, r"history has 3 rows; expected 1 or 2"),
    ],
)
def test_what_is_no_table_of_whole_numbers_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        index_rows(rows, "history", (2, 1))


@pytest.mark.parametrize("k", ["5", 2.7, None, True, [5], np.float64(5)])
def test_a_k_that_is_no_whole_number_is_refused(k: Any) -> None:
    with pytest.raises(UsageError, match="give a whole number from 1 to 9"):
        check_k(k, 9)


def test_a_k_of_numpy_is_a_whole_number_too() -> None:
    assert check_k(np.int64(5), 9) == 5


def test_a_k_above_the_largest_is_refused_or_cut() -> None:
    with pytest.raises(UsageError, match="k is 10, but this bundle has 9 items"):
        check_k(10, 9)
    assert check_k(10, 9, cut=True) == 9


@pytest.mark.parametrize("value", ["gpu", None, True, ["cpu"]])
def test_another_choice_is_refused_with_those_there_are(value: Any) -> None:
    check_choice("auto", "device", ("auto", "cpu", "cuda"))
    with pytest.raises(UsageError, match=r"device is .*; give 'auto', 'cpu' or 'cuda'$"):
        check_choice(value, "device", ("auto", "cpu", "cuda"))


@pytest.mark.parametrize("value", ["2", 0, -1, 1.5, True])
def test_a_count_is_a_whole_number_from_1_or_none(value: Any) -> None:
    for good in (None, 1, np.int64(2)):
        check_count(good, "threads")
    with pytest.raises(UsageError, match=r"threads is .* give a whole number from 1, or None"):
        check_count(value, "threads")


def test_a_wish_about_seen_items_is_true_false_or_none() -> None:
    for good in (True, False, None, np.bool_(True)):
        check_exclude_seen(good)
    with pytest.raises(UsageError, match=r"exclude_seen is 'no' \(str\)"):
        check_exclude_seen("no")


def test_exclusions_are_counted() -> None:
    check_exclusions(None, 2)
    check_exclusions([[], ["7"]], 2)
    with pytest.raises(UsageError, match="1 exclusions for 2 histories"):
        check_exclusions([[]], 2)
