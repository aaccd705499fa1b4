"""Promises about the events are checked; a broken one stops the pipeline."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from slmrec.core.errors import PromiseError, UnavailableError
from slmrec.core.files import new_file, new_folder, read_json, write_json
from slmrec.core.stage import run_stage
from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.checks import CheckResult, checks_of, evidence, run_checks
from slmrec.preprocessing.validation.drift import Shift, measure_drift
from slmrec.preprocessing.validation.html_report import EXAMPLES, make_page
from slmrec.preprocessing.validation.profile import Profile, read_profile


def compare(profile: Profile, events: Path, p: ValidateParams) -> list[Shift] | None:
    """Drift against the previous version, None where there is none."""
    before = events / "previous_profile.json"
    return measure_drift(profile, read_json(before), p.drift) if before.is_file() else None


def judge(
    results: list[CheckResult], shifts: list[Shift] | None, p: ValidateParams, page: Path
) -> None:
    """Raise UnavailableError when a promise could not be checked and PromiseError when one is broken; warn of drift."""
    for result in results:
        if result.error:
            raise UnavailableError(
                f"{result.sentence}: this could not be checked ({result.error}); the data may be good; see {page}"
            )
    broken = [f"{result.sentence}: {result.found}" for result in results if not result.kept]
    drifted = [
        f"{shift.name}: {shift.found:.3f}, allowed {shift.allowed:g}"
        for shift in shifts or []
        if not shift.within
    ]
    if p.drift.action == "stop":
        broken += drifted
    else:
        for line in drifted:
            print(f"validate: drift, {line}", file=sys.stderr)
    if broken:
        raise PromiseError(
            f"{len(broken)} broken: {'; '.join(broken)}; see {page}; mend the logs, or change validate in params.yaml"
        )


def main(events: Path, *, validation: Path, page: Path) -> None:
    """Check the tables in `events`, write the findings to `validation` and a page for people to `page`."""
    p = ValidateParams.read()
    profile = read_profile(events)
    results = run_checks(checks_of(profile, p), evidence(profile, events, p))
    shifts = compare(profile, events, p)
    examples = (
        pl.scan_parquet(events / "quarantine.parquet")
        .group_by("reason")
        .head(EXAMPLES)
        .sort("reason", "file", "row")
        .collect()
    )
    with new_file(
        page
    ) as temporary:  # before the verdict: a person wants to read it most when something is wrong
        temporary.write_text(make_page(profile, results, shifts, examples))
    judge(results, shifts, p, page)
    found: dict[str, Any] = {"promises": [asdict(result) for result in results]}
    found["drift"] = None if shifts is None else [asdict(shift) for shift in shifts]
    with new_folder(validation) as folder:
        write_json(folder / "result.json", found)
        write_json(folder / "profile.json", profile.as_json())


if __name__ == "__main__":
    run_stage(main)
