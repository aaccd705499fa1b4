"""Checks run by Great Expectations, and its results in words."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

import polars as pl

from slmrec.preprocessing.validation.checks import Check
from slmrec.preprocessing.validation.event_scan import Violations

EXAMPLES = 3  # of unexpected values in a result
VIOLATIONS = {field.name for field in fields(Violations)}


@dataclass(frozen=True)
class CheckResult:
    """What became of a check.

    `error` says why it could not be run at all, which is not the data's fault.
    """

    sentence: str
    passed: bool
    observed: str
    error: str | None

    def as_json(self) -> dict[str, Any]:
        """An entry of "promises" in result.json."""
        return {
            "sentence": self.sentence,
            "kept": self.passed,
            "found": self.observed,
            "error": self.error,
        }


def run_checks(checks: list[Check], evidence: dict[str, pl.DataFrame]) -> list[CheckResult]:
    """Run the checks on the tables of evidence; results in the order of the checks."""
    source = _new_source()
    results: dict[int, CheckResult] = {}
    for name, table in evidence.items():
        numbered = {number: check for number, check in enumerate(checks) if check.table == name}
        for number, result in _validate(source, name, table, numbered).items():
            results[number] = result_of(checks[number], result, table)
    return [results[number] for number in range(len(checks))]


def _new_source() -> Any:
    """A data source of Great Expectations for pandas tables in memory."""
    # Read when the library is imported: a pipeline tells nobody about its data.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("evidence")


def _validate(
    source: Any, name: str, table: pl.DataFrame, checks: dict[int, Check]
) -> dict[int, Any]:
    """Results of the checks of one table, by the numbers of the checks."""
    from great_expectations import ExpectationSuite, expectations

    suite = ExpectationSuite(name=name)
    for number, check in checks.items():
        kind = getattr(expectations, check.expectation)
        meta = {"number": number}
        suite.add_expectation(kind(column=check.column, **check.arguments, meta=meta))
    asset = source.add_dataframe_asset(name)
    batch_definition = asset.add_batch_definition_whole_dataframe("all")
    batch = batch_definition.get_batch({"dataframe": table.to_pandas()})
    results = batch.validate(suite, result_format="SUMMARY").results
    return {result.expectation_config.meta["number"]: result for result in results}


def result_of(check: Check, result: Any, table: pl.DataFrame) -> CheckResult:
    """Read one result of Great Expectations."""
    # A metric that failed to compute has success=False too, so the error is looked at first.
    error = _error(result.exception_info)
    if error is not None:
        return CheckResult(check.sentence, False, "could not be checked", error)
    if check.table == "facts":
        observed = _format(table[check.column][0])
        observed += " rows do not" if check.column in VIOLATIONS else ""
    else:
        observed = _count_unexpected(check, result.result, table)
    return CheckResult(check.sentence, bool(result.success), observed, None)


def _error(information: dict[str, Any]) -> str | None:
    # One flat record, or one for each metric, named by its id.
    records = [information] if "raised_exception" in information else list(information.values())
    for record in records:
        if record.get("raised_exception"):
            return " ".join(str(record.get("exception_message")).split())
    return None


def _count_unexpected(check: Check, counts: dict[str, Any], table: pl.DataFrame) -> str:
    values = counts["partial_unexpected_list"][:EXAMPLES]
    examples = [f"{value:.4g}" if isinstance(value, float) else repr(value) for value in values]
    if check.table == "new_days":  # few, and a person will look for the day in the logs
        rows = table.filter(pl.col(check.column).is_in(values)).select("day", check.column)
        examples = [f"{day} with {value:.4g}" for day, value in rows.head(EXAMPLES).iter_rows()]
    name = check.table.replace("_", " ")
    observed = f"{counts['unexpected_count']} of {counts['element_count']} {name} do not"
    return f"{observed}, such as {', '.join(examples)}" if examples else observed


def _format(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
