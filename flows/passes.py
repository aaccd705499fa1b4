"""Training and judging: one pass, or a trial of the settings and then a pass with later cuts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prefect import get_run_logger, task

from flows import outcome
from flows.clone import Clone
from flows.cuts import check_split, move_cuts
from flows.dvc_stages import StageError, stage_order
from flows.intake import Order
from flows.lineage import Lineage
from flows.outcome import REPORTS, TRIAL, Against, Judgement
from flows.pipeline import IF_BUSY, reproduce


def train_and_judge(
    order: Order, clone: Clone, registry: Path, lineage: Lineage | None
) -> Judgement:
    """Run every stage, and publish what came of it or keep the champion; a dry run only judges.

    With `order.refit` that is the trial, held against the baselines alone: on a window that wide a
    champion, trained up to a later moment, has an advantage that its settings do not have. What
    passes is trained again up to the later cuts, and held against the champion on what they leave.
    Raises UsageError where the split is not by time, and what `reproduce` and `outcome` raise.
    """
    outcome.forget_refusal(clone.folder)
    if order.refit:
        check_split(clone.folder)  # before anything is trained
    _train(order, clone, lineage, "{stage}")
    if order.refit is None:
        return _decide(order, clone, registry, None)
    trial = judge(clone, registry, "baselines", order.override, None, TRIAL)
    if not trial.passed:
        return replace(trial, headline=f"trial: {trial.headline}")
    move_cuts(clone.folder, order.refit)
    _train(order, clone, lineage, "{stage} again")
    return _decide(order, clone, registry, trial)


def _train(order: Order, clone: Clone, lineage: Lineage | None, name: str) -> None:
    named = reproduce.with_options(task_run_name=name)
    try:
        for stage in stage_order(clone.folder):
            named(stage, lineage, clone.folder, order.budget)
    except StageError as error:
        if text := outcome.refusal(clone.folder, error):
            outcome.tell(text)
        raise


def _decide(order: Order, clone: Clone, registry: Path, trial: Judgement | None) -> Judgement:
    if order.dry_run:
        return judge(clone, registry, order.gate, order.override, trial, REPORTS)
    return publish(clone, registry, order.gate, order.override, trial)


@task(task_run_name="judge", **IF_BUSY)
def judge(
    clone: Clone,
    registry: Path,
    gate: Against,
    override: str | None,
    trial: Judgement | None,
    report_dir: Path,
) -> Judgement:
    """The gate, and nothing more."""
    log = get_run_logger().info
    return outcome.judge(clone.folder, registry, gate, override, trial, report_dir, log)


@task(task_run_name="publish", **IF_BUSY)
def publish(
    clone: Clone, registry: Path, gate: Against, override: str | None, trial: Judgement | None
) -> Judgement:
    """The gate: the bundle is published, or the champion stays."""
    log = get_run_logger().info
    return outcome.publish(clone.folder, registry, gate, override, trial, log)
