"""Checks are run by Great Expectations, and what it says becomes one sentence."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from slmrec.preprocessing.validation.checks import Check
from slmrec.preprocessing.validation.suite import CheckResult, result_of, run_checks

BETWEEN = "ExpectColumnValuesToBeBetween"
FACTS = pl.DataFrame({"events": [1200], "share": [0.123456], "out_of_order": [3]})
USERS = pl.DataFrame({"user": ["u1", "u2", "x3", "x4", "x5", "x6"]})
DAYS = pl.DataFrame({"ratio": [1.0, 20.123456, 2.0]})
NEW_DAYS = pl.DataFrame({"day": ["2026-03-01", "2026-03-02"], "ratio": [1.0, 12.5]})
EVIDENCE = {"facts": FACTS, "users": USERS, "days": DAYS, "new_days": NEW_DAYS}


def check(table: str, column: str, expectation: str = BETWEEN, **arguments: Any) -> Check:
    return Check(f"{column} is right", table, column, expectation, arguments)


def test_results_come_in_the_order_of_the_checks_with_what_was_observed() -> None:
    checks = [
        check("users", "user", "ExpectColumnValuesToMatchRegex", regex="^u"),
        check("facts", "events", min_value=1000),
        check("days", "ratio", max_value=10, mostly=0.5),
        check("facts", "out_of_order", min_value=0, max_value=0),
        check("facts", "share", max_value=0.1),
        check("users", "user", "ExpectColumnValuesToBeUnique"),
        check("new_days", "ratio", max_value=5),
        check("users", "user", "ExpectColumnValuesToMatchRegex", regex="("),
    ]
    *results, failed = run_checks(checks, EVIDENCE)
    assert [(result.passed, result.observed) for result in results] == [
        (False, "4 of 6 users do not, such as 'x3', 'x4', 'x5'"),
        (True, "1,200"),
        (True, "1 of 3 days do not, such as 20.12"),
        (False, "3 rows do not"),
        (False, "0.1235"),
        (True, "0 of 6 users do not"),
        (False, "1 of 2 new days do not, such as 2026-03-02 with 12.5"),
    ]
    assert [result.error for result in results] == [None] * 7
    assert [result.sentence for result in results] == [c.sentence for c in checks[:-1]]
    assert not failed.passed and failed.observed == "could not be checked"
    assert failed.error and "\n" not in failed.error


@pytest.mark.parametrize(
    "information",
    [
        {"raised_exception": True, "exception_message": "no  such\nmetric"},
        {
            "('max', 'a')": {"raised_exception": False},
            "('min', 'a')": {"raised_exception": True, "exception_message": "no such metric"},
        },
    ],
    ids=["one record", "a record for each metric"],
)
def test_a_metric_that_was_not_computed_is_an_error_and_no_broken_promise(
    information: dict[str, Any],
) -> None:
    raw = SimpleNamespace(exception_info=information, success=False, result={})
    result = result_of(check("facts", "events"), raw, FACTS)
    assert (result.passed, result.error) == (False, "no such metric")


def test_an_entry_of_the_results_file_has_the_keys_of_its_contract() -> None:
    assert CheckResult("it holds", True, "3", None).as_json() == {
        "sentence": "it holds",
        "kept": True,
        "found": "3",
        "error": None,
    }
