"""One run of `slmrec init`: look, ask, count, size, estimate, write."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML

from slmrec.core.errors import UnavailableError, UsageError
from slmrec.init import report
from slmrec.init.answers import Answers, Doubt
from slmrec.init.cost.budget import fit, full_plan
from slmrec.init.cost.estimate import StageCost, stage_costs, total_minutes, workload
from slmrec.init.cost.trial_settings import Rate, Trial, run_trial, text_width
from slmrec.init.doubts import check_order, doubts_of, remarks_of
from slmrec.init.facts import Extras, Facts, Plan
from slmrec.init.findings import Findings, inspect
from slmrec.init.log_reader import read_catalogue, read_events
from slmrec.init.log_statistics import QUANTILES, LogStatistics, measure
from slmrec.init.params_writer import render, write_params
from slmrec.init.sizing import sized_settings
from slmrec.init.source_settings import source_settings
from slmrec.params.prepare import PrepareParams
from slmrec.params.section import validate_section

PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Options:
    """How init is run: `yes` takes what is in doubt as it is, `budget` is in minutes."""

    yes: bool
    budget: float | None
    estimate: bool


def run(data_dir: Path, answers: Answers, options: Options) -> None:
    """Write params.yaml for the logs in `data_dir`, in the folder that the process stands in.

    Raises UsageError (exit code 2) where a doubt is left and nobody can be asked.
    """
    if not PARAMS.is_file():
        raise UsageError(f"{PARAMS} is missing; run slmrec init in the root of the project")
    findings = settled(data_dir, answers, options)
    source = source_settings(findings)
    logs = count(data_dir, findings, source)
    print(f"\n{report.logs_line(logs)}")
    facts = _facts(findings, logs)
    rates = _measured(facts, source, options)
    if options.budget is not None and rates is not None:
        facts = _within(facts, rates, options.budget)
    settings = source | sized_settings(facts)
    decisions = report.decision_lines(facts)
    print("\n".join(["", *decisions, *report.text_lines(facts)]))
    if rates is not None:
        print(f"\non this machine, about:\n{report.cost_text(_costs(facts, rates))}")
    notes = [*report.found_lines(findings), report.logs_line(logs), *decisions]
    _write(data_dir, render(PARAMS.read_text(), settings, notes))


def settled(data_dir: Path, answers: Answers, options: Options) -> Findings:
    """What lies there, once no doubt is left. Raises UsageError where one is and nobody answers."""
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not options.yes
    while True:
        findings = inspect(data_dir, answers)
        check_order(findings.events)
        doubts = doubts_of(findings, answers)
        if doubts and asks:
            answers = _ask(doubts[0], answers)
            continue
        _tell(findings, doubts)
        if doubts and not options.yes:
            raise UsageError(
                f"{len(doubts)} in doubt, nothing was written; settle each with its flag "
                f"({', '.join(doubt.flag for doubt in doubts)}), or take all as said with --yes"
            )
        if asks and not typer.confirm("Is that right?", default=True):
            raise UsageError("nothing was written; say what is what with --user, --item, --time")
        return findings


def _ask(doubt: Doubt, answers: Answers) -> Answers:
    print(f"{doubt.sentence}.")
    options = f" ({', '.join([doubt.taken, *doubt.choices])})" if doubt.choices else ""
    answer: str = typer.prompt(f"{doubt.key.replace('_', ' ')}{options}", default=doubt.taken)
    return replace(answers, **{doubt.key: answer.strip()})


def _tell(findings: Findings, doubts: list[Doubt]) -> None:
    print("\n".join(report.found_lines(findings)))
    print(f"\n{report.table_text(report.example_events(findings))}")
    for remark in remarks_of(findings):
        print(f"note: {remark}")
    for doubt in doubts:
        print(f"in doubt: {doubt.line}")


def count(data_dir: Path, findings: Findings, source: dict[str, Any]) -> LogStatistics:
    """Figures of the logs, read as prepare will read them. Raises DataError as it would."""
    prepare = _prepare_params(source)
    catalogue = read_catalogue(data_dir, prepare.items) if prepare.items else None
    rows = read_events(data_dir, prepare, findings.events.table.source.rows)
    return measure(rows if prepare.repeats == "keep" else rows.without_repeats(), catalogue)


def _prepare_params(source: dict[str, Any]) -> PrepareParams:
    params = YAML(typ="safe").load(render(PARAMS.read_text(), source, []))
    return validate_section(PrepareParams, params["prepare"], PARAMS, "prepare")


def _facts(findings: Findings, logs: LogStatistics) -> Facts:
    titles = findings.items is not None and findings.items.title is not None
    extras = Extras.installed()
    clock = findings.events.time is not None
    return Facts(logs, clock, titles, extras, full_plan(logs, titles, extras))


def _measured(facts: Facts, source: dict[str, Any], options: Options) -> Mapping[str, Rate] | None:
    """Timed steps of the models, or None where nobody needs them or, with a line, they fail.

    Raises UnavailableError where they fail and a budget needs them.
    """
    if options.budget is None and not options.estimate:
        return None
    print("timing a few training steps ...", flush=True)
    try:
        return run_trial(_trial(facts, source))
    except UnavailableError as error:
        if options.budget is not None:
            raise
        print(f"note: no estimate: {error}")
        return None


def _trial(facts: Facts, source: dict[str, Any]) -> Trial:
    """The models at their sized shapes, and a teacher from scratch, which a budget may ask for."""
    settings = sized_settings(facts)
    sections = _sections(source | settings)
    scratch = replace(facts, plan=replace(facts.plan, pretrained=False))
    teachers = {"scratch": _sections(source | sized_settings(scratch))["train_teacher"]}
    if facts.plan.pretrained:
        teachers["pretrained"] = sections["train_teacher"]
    return Trial(
        items=facts.logs.items,
        quantiles=list(QUANTILES),
        lengths=list(facts.logs.lengths),
        max_length=settings["split.max_length"],
        text_width=text_width(settings["embed_items.text"]),
        top=settings["record_states.top"],
        threads=sections["compute"]["threads"],
        embed_items=sections["embed_items"],
        distill_student=sections["distill_student"],
        teachers=teachers,
    )


def _sections(settings: dict[str, Any]) -> dict[str, Any]:
    sections: dict[str, Any] = YAML(typ="safe").load(render(PARAMS.read_text(), settings, []))
    return sections


def _costs(facts: Facts, rates: Mapping[str, Rate]) -> list[StageCost]:
    teacher = rates["pretrained" if facts.plan.pretrained else "scratch"]
    if not facts.plan.pretrained:
        teacher = teacher.scaled(facts.plan.teacher_layers / full_layers(facts))
    work = workload(facts, sized_settings(facts))
    return stage_costs(facts, work, {**rates, "teacher": teacher})


def full_layers(facts: Facts) -> int:
    """Layers of the teacher that was timed."""
    return full_plan(facts.logs, facts.has_titles, facts.extras).teacher_layers


def _within(facts: Facts, rates: Mapping[str, Rate], budget: float) -> Facts:
    def minutes(plan: Plan) -> float:
        return total_minutes(_costs(replace(facts, plan=plan), rates))

    plan, reasons = fit(facts.plan, minutes, budget)
    for reason in reasons:
        print(f"to stay within {budget:.0f} min: {reason}")
    if minutes(plan) > budget:
        print(f"note: the shortest run takes about {minutes(plan):.0f} min")
    return replace(facts, plan=plan)


def _write(data_dir: Path, text: str) -> None:
    path, difference = write_params(PARAMS, text)
    if difference:
        print(f"\n{difference}")
        print(f"{PARAMS} was edited by hand and stays; {path} has these settings. To take them:")
        print(f"  mv {path} {PARAMS}")
    else:
        print(f"\n{path} is written. Next: dvc add data, then make repro")
    if data_dir.resolve() != Path("data").resolve():
        print(f"note: the pipeline reads data/, so put what lies in {data_dir} there")
