"""What `slmrec tune` prints: a line a trial, and a table of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from slmrec.tuning.outcome import Outcome, TrialRow, row_of
from slmrec.tuning.search import Search
from slmrec.tuning.space import SECTIONS

UNTOUCHED = "The test targets were not looked at: every figure here is of validation targets."


def print_trial(search: Search, number: int) -> None:
    """Print a trial that has just ended."""
    row = row_of(search.study.get_trials(deepcopy=False)[number], search.task.epochs)
    which = f"{search.task.part}, trial {number + 1} of at most {row.epochs} epochs"
    print(f"{which}: {trial_text(row)}", flush=True)


def trial_text(row: TrialRow) -> str:
    """How a trial ended, what it cost and what was tried."""
    ending = row.fault if row.state == "failed" else f"{figure(row.value)}"
    if row.state == "stopped early":
        ending += ", stopped early"
    tried = ", ".join(f"{short(name)} {value}" for name, value in row.settings.items())
    return f"{ending} in {row.seconds:.0f} s" + (f" ({tried})" if tried else "")


def figure(value: float | None) -> str:
    """A validation NDCG@10 as text."""
    return "none" if value is None else f"{value:.4f}"


def short(name: str) -> str:
    """A setting's name without its section."""
    return name.partition(".")[2].removeprefix("training.")


def outcome_table(outcomes: Sequence[Outcome]) -> str:
    """One row a part: validation before and after, trials and their cost."""
    rows = [
        {
            "searched": outcome.part.replace("_", " "),
            "validation ndcg@10": figure(outcome.before),
            "best": figure(outcome.after),
            "trials": str(len(outcome.trials)),
            "stopped early": str(outcome.count("stopped early")),
            "failed": str(outcome.count("failed")),
            "minutes": f"{outcome.seconds / 60:.1f}",
        }
        for outcome in outcomes
    ]
    return as_table(rows)


def settings_table(outcomes: Sequence[Outcome]) -> str:
    """One row a setting that is better than in params.yaml; empty where there is none."""
    rows = [
        {"setting": name, "params.yaml": str(outcome.present[name]), "better": str(value)}
        for outcome in outcomes
        for name, value in outcome.better.items()
    ]
    return as_table(rows)


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned columns."""
    return str(tabulate(rows, headers="keys", tablefmt="plain", disable_numparse=True))


def unreached_line(outcomes: Sequence[Outcome]) -> str:
    """The parts for which there was no time; empty where all have an outcome."""
    reached = {outcome.part for outcome in outcomes if outcome.after is not None}
    unreached = [part.replace("_", " ") for part in SECTIONS if part not in reached]
    if not unreached:
        return ""
    return f"not reached: {', '.join(unreached)}; the same command goes on from there"


def distillation_line(outcomes: Sequence[Outcome]) -> str:
    """What distillation is worth with the student's best settings; empty where it is not known."""
    found = {outcome.part: outcome.after for outcome in outcomes}
    student, alone = found.get("student"), found.get("without_distillation")
    if student is None or alone is None:
        return ""
    gain = (
        f"the student has {student:.4f}, without distillation {alone:.4f} ({student - alone:+.4f})"
    )
    return gain if student > alone else f"{gain}: distillation is not worth it here"
