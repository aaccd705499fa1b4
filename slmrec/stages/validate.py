"""Promises about the events are checked; a broken one stops the pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

from slmrec.core.errors import PromiseError, UnavailableError
from slmrec.core.files import new_file, new_folder, write_json
from slmrec.core.stage import run_stage
from slmrec.params.validate import ValidateParams
from slmrec.preprocessing.validation.checks import checks_of
from slmrec.preprocessing.validation.drift import Shift, measure_drift
from slmrec.preprocessing.validation.evidence import collect_evidence
from slmrec.preprocessing.validation.html_report import make_page, read_examples
from slmrec.preprocessing.validation.profile import Profile, previous_profile, read_profile
from slmrec.preprocessing.validation.suite import CheckResult, run_checks


def compare(profile: Profile, events_dir: Path, p: ValidateParams) -> list[Shift] | None:
    """Drift against the previous version, None where there is none."""
    before = previous_profile(events_dir)
    return measure_drift(profile, before, p.drift) if before else None


def judge(
    results: list[CheckResult], shifts: list[Shift] | None, p: ValidateParams, page_path: Path
) -> None:
    """Raise PromiseError when a check failed; drift warns or raises, as the params say.

    Raises UnavailableError when a check could not be run.
    """
    _refuse_errors(results, page_path)
    broken = [f"{result.sentence}: {result.observed}" for result in results if not result.passed]
    drifted = [str(shift) for shift in shifts or [] if not shift.within]
    if p.drift.action == "stop":
        broken += drifted
    else:
        for line in drifted:
            print(f"validate: drift, {line}", file=sys.stderr)
    if broken:
        raise PromiseError(
            f"{len(broken)} broken: {'; '.join(broken)}; see {page_path}; "
            "mend the logs, or change validate in params.yaml"
        )


def _refuse_errors(results: list[CheckResult], page_path: Path) -> None:
    for result in results:
        if result.error:
            raise UnavailableError(
                f"{result.sentence}: this could not be checked ({result.error}); "
                f"the data may be good; see {page_path}"
            )


def main(events_dir: Path, *, validation_dir: Path, page_path: Path) -> None:
    """Check the tables in `events_dir`; write results to `validation_dir` and a page for people."""
    p = ValidateParams.read()
    profile = read_profile(events_dir)
    results = run_checks(checks_of(profile, p), collect_evidence(profile, events_dir, p))
    shifts = compare(profile, events_dir, p)
    # The page comes before the verdict: a person needs it most when something is wrong.
    with new_file(page_path) as temporary:
        temporary.write_text(make_page(profile, results, shifts, read_examples(events_dir)))
    judge(results, shifts, p, page_path)
    promises = [result.as_json() for result in results]
    drift = None if shifts is None else [shift.as_json() for shift in shifts]
    with new_folder(validation_dir) as folder:
        write_json(folder / "result.json", {"promises": promises, "drift": drift})
        write_json(folder / "profile.json", profile.as_json())


if __name__ == "__main__":
    run_stage(main)
