"""How a retraining ended: the gate's verdict, and the page that the run leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect.artifacts import create_markdown_artifact

from flows.dvc_stages import StageError, run_module
from slmrec.core.errors import GateError, PromiseError
from slmrec.core.files import read_json, write_json
from slmrec.results import as_markdown, result_text

NOTHING_NEW, DRY_RUN = "NothingNew", "DryRun"  # names of the run's last state
Against = Literal["champion", "baselines"]
PUBLISHED, KEPT = "Published", "ChampionKept"
REPORTS = Path("reports")  # of the last verdict, below the clone
TRIAL = REPORTS / "trial"  # of settings that are to be trained again
GATE, REFUSED = "gate.json", "refused.json"


@dataclass(frozen=True)
class Judgement:
    """What `slmrec publish` came to."""

    passed: bool  # whether the gate lets it through
    version: str | None  # that serves now because of it; None where none was published
    record: Path | None  # what the registry tells of that version
    headline: str
    rules: list[dict[str, Any]]  # each with name, seen, bound and passed


def publish(
    clone: Path,
    registry: Path,
    against: Against,
    override: str | None,
    trial: Judgement | None,
    log: Callable[[str], None],
) -> Judgement:
    """Run the gate on the clone's bundle, and publish it or keep the champion.

    `trial` is what the same settings came to before the bundle's model was trained again. Raises
    StageError where it could not be judged, or does not hold in a fresh process.
    """
    if not _passes(_words(registry, against, override, trial), clone, log):
        verdict = read_json(clone / REPORTS / GATE)
        return Judgement(False, None, None, _headline(verdict), verdict["rules"])
    version = str((registry / "current").readlink())
    verdict = read_json(registry / version / "verdict.json")
    record = registry / version / "record.json"
    return Judgement(True, version, record, _headline(verdict), verdict["rules"])


def judge(
    clone: Path,
    registry: Path,
    against: Against,
    override: str | None,
    trial: Judgement | None,
    report_dir: Path,
    log: Callable[[str], None],
) -> Judgement:
    """Run the gate on the clone's bundle and publish nothing; the verdict lies in `report_dir`.

    `report_dir` is relative to the clone; `trial` is as `publish` takes it. Raises StageError where
    it could not be judged.
    """
    words = _words(registry, against, override, trial)
    passed = _passes([*words, "--dry-run", "--report", str(report_dir)], clone, log)
    verdict = read_json(clone / report_dir / GATE)
    return Judgement(passed, None, None, _headline(verdict), verdict["rules"])


def _words(
    registry: Path, against: Against, override: str | None, trial: Judgement | None
) -> list[str]:
    words = ["publish", "--registry", str(registry), "--against", against]
    words += ["--override", override] if override else []
    return [*words, "--trial", str(TRIAL / GATE)] if trial else words


def _passes(words: list[str], clone: Path, log: Callable[[str], None]) -> bool:
    try:
        run_module("slmrec.cli", words, "publish", clone, log)
    except StageError as error:
        if error.code != GateError.exit_code:
            raise
        return False
    return True


def _headline(verdict: dict[str, Any]) -> str:
    champion, rules = verdict["champion"], verdict["rules"]
    against = f"the champion {champion}" if champion else "the baselines"
    broken = [rule["name"] for rule in rules if not rule["passed"]]
    if not broken:
        return f"all {len(rules)} rules hold against {against}"
    named = f"{len(broken)} of {len(rules)} rules are broken against {against}: {', '.join(broken)}"
    return f"{named}; overridden: {verdict['override']}" if verdict["override"] else named


def refusal(clone: Path, error: StageError) -> str | None:
    """The page of a broken promise, of the logs or of an exported graph; None of other errors.

    The same lies in the clone, beside where the gate's verdicts do.
    """
    if error.code != PromiseError.exit_code:
        return None
    verdict = {"publishes": False, "refused_by": error.stage, "reason": str(error)}
    write_json(clone / REPORTS / REFUSED, verdict)
    return f"not published: {error}\n\nThe champion serves on; no file counts as taken."


def forget_refusal(clone: Path) -> None:
    """Remove what an earlier run's refusal left: it says nothing of this run."""
    (clone / REPORTS / REFUSED).unlink(missing_ok=True)


def tell(text: str) -> None:
    """Attach the page of what a retraining came to to its flow run."""
    create_markdown_artifact(markdown=text, key="retrain", description="What the run came to")


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
