"""One run of `slmrec tune`: search, page, table, and params.yaml where asked for."""

from __future__ import annotations

import difflib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file, read_json
from slmrec.core.locks import lock
from slmrec.dataset.histories import Protocol
from slmrec.params.params_file import Params, read_params
from slmrec.params.section import read_yaml
from slmrec.tuning import report
from slmrec.tuning.outcome import Outcome
from slmrec.tuning.page import make_page
from slmrec.tuning.plan import Request, search_parts
from slmrec.tuning.settings import fits
from slmrec.tuning.space import SPACE, read_space
from slmrec.tuning.task import Logs

PARAMS, PAGE = Path("params.yaml"), Path("reports/tune.html")
LOGS = Logs(Path("artifacts/events/items.parquet"), Path("artifacts/histories"))
Revise = Callable[[str, dict[str, Any]], str]  # the text of params.yaml with settings changed


@dataclass(frozen=True)
class Options:
    """How tune is run; `minutes` and `trials` may be None, but not both."""

    minutes: float | None
    trials: int | None
    workers: int | None
    space: Path | None
    apply: bool


def run(options: Options, revise: Revise) -> None:
    """Search in the project that the process stands in.

    Raises UsageError where there are no histories, or they were split with other settings.
    """
    if not options.minutes and options.trials is None:
        raise UsageError("tune needs an end; say --budget 2h, or --trials 20 of each part")
    params = read_params(PARAMS)
    _check_logs(params)
    space = read_space(options.space or SPACE)
    seconds = None if options.minutes is None else 60 * options.minutes
    workers = options.workers or default_workers(params)
    request = Request(read_yaml(PARAMS), space, LOGS, seconds, options.trials, workers)
    outcomes: list[Outcome] = []
    with lock("tune"):
        try:
            outcomes.extend(search_parts(request))
        except KeyboardInterrupt:
            print("stopped; what was found is kept: the same command goes on from there")
            raise typer.Exit(128 + signal.SIGINT) from None
    if not any(outcome.after is not None for outcome in outcomes):
        print("time was over before a trial was; the same command goes on from its checkpoint")
        return
    _tell(outcomes)
    _settle(outcomes, options.apply, revise)


def default_workers(params: Params) -> int:
    """As many as the cores hold with the threads of each; one on a GPU, which they would share."""
    if params.compute.device != "cpu":
        return 1
    return max(1, len(os.sched_getaffinity(0)) // params.compute.threads)


def _check_logs(params: Params) -> None:
    for path in (LOGS.items, LOGS.histories / "summary.json"):
        if not path.is_file():
            raise UsageError(f"{path} is missing; run dvc repro split first")
    summary = read_json(LOGS.histories / "summary.json")
    for field in fields(Protocol):
        wanted, made = getattr(params.split, field.name), summary[field.name]
        if wanted != made:
            raise UsageError(
                f"split.{field.name} is {wanted}, but {LOGS.histories} was made with {made}; "
                "run dvc repro split first"
            )


def _tell(outcomes: list[Outcome]) -> None:
    """Write the page, print the table."""
    with new_file(PAGE) as temporary:
        temporary.write_text(make_page(outcomes))
    print(f"\n{report.outcome_table(outcomes)}")
    for line in (report.distillation_line(outcomes), report.unreached_line(outcomes)):
        if line:
            print(f"\n{line}")
    print(f"\n{report.UNTOUCHED}\n{PAGE} shows every trial.")


def _settle(outcomes: list[Outcome], apply: bool, revise: Revise) -> None:
    """Write the better settings, or show what would change; nothing better changes nothing."""
    better = {name: value for outcome in outcomes for name, value in outcome.better.items()}
    if not better:
        print(f"nothing better was found; {PARAMS} stays as it is")
        return
    text = PARAMS.read_text()
    revised = revise(text, better)
    if not fits(read_yaml(PARAMS), better):
        raise UsageError(f"{PARAMS} was changed meanwhile and does not hold {better}; set by hand")
    print(f"\n{report.settings_table(outcomes)}")
    if apply:
        with new_file(PARAMS) as temporary:
            temporary.write_text(revised)
        print(f"\n{PARAMS} has these settings. Next: dvc repro")
        return
    lines = (text.splitlines(True), revised.splitlines(True))
    print("\n" + "".join(difflib.unified_diff(*lines, PARAMS.name, "better", n=0)))
    print("to write them: the same command with --apply")
