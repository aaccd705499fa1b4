"""How a retraining ended: the gate's verdict, and the page that the run leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from flows.dvc_stages import StageError, run_module
from slmrec.core.errors import GateError
from slmrec.core.files import read_json
from slmrec.results import as_markdown, result_text

NOTHING_NEW, DRY_RUN = "NothingNew", "DryRun"  # names of the run's last state
Against = Literal["champion", "baselines"]
PUBLISHED, KEPT = "Published", "ChampionKept"


@dataclass(frozen=True)
class Judgement:
    """What `slmrec publish` came to."""

    version: str | None  # that serves now because of it; None where the gate kept the champion
    record: Path | None  # what the registry tells of that version
    headline: str
    rules: list[dict[str, Any]]  # each with name, seen, bound and passed


def publish(
    clone: Path,
    registry: Path,
    against: Against,
    override: str | None,
    log: Callable[[str], None],
) -> Judgement:
    """Run the gate on the clone's bundle, and publish it or keep the champion.

    Raises StageError where it could not be judged, or does not hold in a fresh process.
    """
    words = ["publish", "--registry", str(registry), "--against", against]
    words += ["--override", override] if override else []
    try:
        run_module("slmrec.cli", words, "publish", clone, log)
    except StageError as error:
        if error.code != GateError.exit_code:
            raise
        verdict = read_json(clone / "reports" / "gate.json")
        return Judgement(None, None, _headline(verdict), verdict["rules"])
    version = str((registry / "current").readlink())
    verdict = read_json(registry / version / "verdict.json")
    record = registry / version / "record.json"
    return Judgement(version, record, _headline(verdict), verdict["rules"])


def _headline(verdict: dict[str, Any]) -> str:
    champion, rules = verdict["champion"], verdict["rules"]
    against = f"the champion {champion}" if champion else "the baselines"
    broken = [rule["name"] for rule in rules if not rule["passed"]]
    if not broken:
        return f"all {len(rules)} rules hold against {against}"
    named = f"{len(broken)} of {len(rules)} rules are broken against {against}: {', '.join(broken)}"
    return f"{named}; overridden: {verdict['override']}" if verdict["override"] else named


def page(message: str, judgement: Judgement | None, project: Path | None) -> str:
    """The run's end as Markdown: the verdict's rules, and metrics with intervals, as far as known.

    `project` is the clone whose metrics are of this run.
    """
    parts = [message]
    if judgement:
        parts += ["## The gate", as_markdown([_row(rule) for rule in judgement.rules])]
    if project:
        parts += ["## Quality", result_text(project)]
    return "\n\n".join(parts)


def _row(rule: dict[str, Any]) -> dict[str, str]:
    judged = "-" if rule["not_judged"] else "pass" if rule["passed"] else "FAIL"
    return {
        "rule": rule["name"],
        "verdict": judged,
        "seen": f"{rule['seen']:.4f}",
        "wanted": rule["bound"],
    }
