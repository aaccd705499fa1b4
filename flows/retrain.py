"""The scheduled retraining, as a Prefect flow: what is new, a data version, the pipeline, the gate.

All of it happens in a clone below the state folder; the user's tree and the landing folder are only
read, and a version is published, committed and pushed only where the gate lets it pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as day
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.states import Completed
from pydantic import Field

from flows import intake, outcome
from flows.budget import Budget
from flows.champion import champion_folder
from flows.clone import Clone, commit_version, open_clone, push_command, remote_of
from flows.cuts import Cuts
from flows.data_version import default_remote
from flows.dvc_stages import run_module
from flows.intake import Fetched, Order
from flows.landing import Landed
from flows.lineage import Lineage
from flows.outcome import DRY_RUN, KEPT, NOTHING_NEW, PUBLISHED, Against, Judgement
from flows.passes import train_and_judge
from flows.pictures import publish_pictures
from flows.pipeline import IF_BUSY, ONCE, PROJECT, Text, open_lineage, preflight
from flows.processes import end_with_worker
from flows.taken import Committing, KeptBack, Look, Record
from slmrec.core.locks import lock
from slmrec.core.scratch import remove_abandoned
from slmrec.core.state import state_folder

IF_AWAY = ONCE | {"retries": 2, "retry_delay_seconds": [10, 60]}  # of a remote: any failure
SECONDS_TO_SETTLE = 10.0


@dataclass(frozen=True)
class Places:
    """Where things lie, below the state folder."""

    folder: Path
    registry: Path

    @property
    def clone(self) -> Path:
        """The flow's own clone of the project."""
        return self.folder / "repository"

    @property
    def record(self) -> Path:
        """What was taken from landing folders."""
        return self.folder / "taken.json"


@flow(name="retrain-landed")
def retrain_landed(
    landing: Text,
    date: day | None = None,
    budget_minutes: Annotated[float, Field(gt=0)] | None = None,
    force: bool = False,
    dry_run: bool = False,
    gate: Against = "champion",
    override: Text | None = None,
    refit: Cuts | None = None,
    settle_seconds: Annotated[float, Field(ge=0, le=3600)] = SECONDS_TO_SETTLE,
    warm: bool = False,
    lineage: Text | None = None,
) -> State[None]:
    """Train on what is new in a landing folder, and publish what the gate lets pass.

    The state's name says what came of it: NothingNew, DryRun, Published or ChampionKept. Raises
    BusyError while another retraining runs, StageError when a stage fails, BudgetError when the
    stages take longer than they may.

    Args:
        landing: Folder that new logs arrive in: a path, or a URL such as s3://bucket/logs.
        date: As known then: only files last changed before the end of that day, UTC.
        budget_minutes: End the run where its stages take longer; the champion stays.
        force: Run all the same where nothing is new, with the project's present code and settings.
        dry_run: Do all but publish, commit and push; the next run takes the same files.
        gate: Against the champion and the baselines, or, where it cannot be compared any more
            (another shop, another split), against the baselines alone.
        override: Publish whatever the gate says, for this reason, which the version's record keeps.
        refit: After the gate, train again with these later cuts (2% or 0.5d, say), so that what
            serves knows newer events; it is held against the champion on what they leave.
        settle_seconds: How long a new file must stay as it is before it counts as complete.
        warm: Train on from the champion's item vectors, teacher and student, instead of anew.
        lineage: File, or http(s) URL, that OpenLineage events of the stages go to.
    """
    end_with_worker()
    budget = Budget.of(budget_minutes)
    order = Order(
        landing, date, budget, force, dry_run, gate, override, refit, settle_seconds, warm
    )
    return _alone(order, lineage)


def _alone(order: Order, lineage: str | None) -> State[None]:
    """Retrain while nobody else does, with the places of this state folder."""
    state = state_folder().absolute()
    places = Places(state / "retrain", state / "registry")
    places.folder.mkdir(parents=True, exist_ok=True)
    with lock("retrain", folder=places.folder):
        remove_abandoned([places.folder], places.clone / ".cache")
        return _retrain(order, places, open_lineage(lineage, places.clone))


def _retrain(order: Order, places: Places, lineage: Lineage | None) -> State[None]:
    clone = open_clone(PROJECT, places.clone)
    record = _read_record(places, clone)
    found = look(order, record, clone)
    if why := _why_not(order, record, clone, found):
        return _nothing_new(places, record, clone, why)
    champion = champion_folder(places.registry) if order.warm else None
    fetched = take_in(order, record, clone, found, champion)
    if not order.force and not any(each.is_new for each in fetched):
        record = _remember(places, record, fetched, "known already")
        return _nothing_new(places, record, clone, "the files that arrived hold known content")
    preflight(clone.folder)
    judgement = train_and_judge(order, clone, places.registry, lineage)
    if order.dry_run:
        message = f"dry run, nothing is published or committed: {judgement.headline}"
        return _end(DRY_RUN, message, judgement, clone.folder)
    if judgement.version is None:
        return _keep_champion(places, record, clone, found, judgement)
    _commit(places, record, clone, fetched, judgement)
    _push(places, clone)
    message = f"{judgement.version} serves: {judgement.headline}"
    return _end(PUBLISHED, message, judgement, clone.folder)


def _read_record(places: Places, clone: Clone) -> Record:
    """What was taken, brought up to date where a run was killed while it committed."""
    written = Record.read(places.record)
    record = written.settled(clone.tip)
    if record != written:
        record.write(places.record)
    return record


def _why_not(order: Order, record: Record, clone: Clone, found: list[Landed]) -> str | None:
    """Why there is nothing to do; None where there is."""
    if order.force:
        return None
    if not found:
        return f"nothing is new in {order.landing}"
    same_gate = order.gate == "champion" and not order.override
    if record.kept_back and same_gate and record.were_kept_back(found, clone.commit):
        return f"nothing is new since the gate refused ({record.kept_back.verdict}); force tries it"
    return None


@task(task_run_name="look", **ONCE)
def look(order: Order, record: Record, clone: Clone) -> list[Landed]:
    """Which files of the landing folder may be new."""
    return intake.look(order, record, clone.folder, get_run_logger().info)


@task(task_run_name="take in", **IF_BUSY)
def take_in(
    order: Order, record: Record, clone: Clone, found: list[Landed], champion: Path | None
) -> list[Fetched]:
    """The last data version, and what is new on top of it."""
    return intake.take_in(order, record, clone, found, champion, get_run_logger().info)


@task(task_run_name="push data", **IF_AWAY)
def push_data(clone: Path) -> None:
    """Push what data.dvc and dvc.lock pin to the DVC remote."""
    run_module("dvc", ["push", "--quiet"], "push data", clone, get_run_logger().info)


@task(task_run_name="push commits", **IF_AWAY)
def push_commits(clone: Path, remote: str) -> None:
    """Push the branch and its tags to the project's git remote."""
    run_module("flows.child", push_command(remote), "push", clone, get_run_logger().info)


def _commit(
    places: Places, record: Record, clone: Clone, fetched: list[Fetched], judgement: Judgement
) -> None:
    """Commit and tag, and only then remember what was taken."""
    assert judgement.version is not None and judgement.record is not None
    new = sum(each.is_new for each in fetched)
    # First, so that a later run knows what is committed, and pushes it, if this one is killed.
    files = [each.as_taken(judgement.version) for each in fetched]
    committing = Committing(tip=clone.tip, files=files)
    record.model_copy(update={"to_push": True, "committing": committing}).write(places.record)
    message = f"slmrec {judgement.version}: new files of logs: {new}\n\n{judgement.headline}"
    commit = commit_version(clone, judgement.version, judgement.record, message)
    get_run_logger().info(f"committed {commit[:12]} to {clone.folder}")
    changed = record.model_copy(update={"to_push": True, "kept_back": None})
    _remember(places, changed, fetched, judgement.version)


def _remember(places: Places, record: Record, fetched: Iterable[Fetched], version: str) -> Record:
    taken = [*record.files, *(each.as_taken(version) for each in fetched)]
    changed = record.model_copy(update={"files": taken})
    changed.write(places.record)
    return changed


def _push(places: Places, clone: Clone) -> None:
    """Push where remotes are set, data first; what could not be pushed is pushed by a later run."""
    remote = remote_of(PROJECT)
    if default_remote(clone.folder):
        push_data(clone.folder)
    if remote:
        push_commits(clone.folder, remote)
    pushed = Record.read(places.record).model_copy(update={"to_push": False})
    pushed.write(places.record)


def _nothing_new(places: Places, record: Record, clone: Clone, why: str) -> State[None]:
    if record.to_push:
        _push(places, clone)
    return _end(NOTHING_NEW, why, None, None)


def _keep_champion(
    places: Places, record: Record, clone: Clone, found: list[Landed], judgement: Judgement
) -> State[None]:
    """Remember what was refused, so that a schedule does not judge the very same again."""
    kept = KeptBack(
        files=[Look.of(file) for file in found], commit=clone.commit, verdict=judgement.headline
    )
    record.model_copy(update={"kept_back": kept}).write(places.record)
    return _end(KEPT, f"not published: {judgement.headline}", judgement, clone.folder)


def _end(name: str, message: str, judgement: Judgement | None, project: Path | None) -> State[None]:
    get_run_logger().info(message)
    outcome.tell(outcome.page(message, judgement, project))
    if project:  # all is committed by now: a picture is no reason to lose that
        publish_pictures(project, state_folder().absolute() / "registry")
    return Completed(name=name, message=message)
