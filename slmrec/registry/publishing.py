"""Publishing: the gate, a whole copy, a check in a fresh process, and only then the pointer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slmrec.core.errors import BundleError, BusyError, GateError, UsageError
from slmrec.core.files import new_folder
from slmrec.registry.challenger import Challenger, histories_to_record
from slmrec.registry.fresh_check import check_in_fresh_process
from slmrec.registry.gate import GateSettings, Side, judge
from slmrec.registry.made_until import MadeUntil
from slmrec.registry.pointer import drop_old, move_pointer, only_publisher, unfinished
from slmrec.registry.recorded import RECORDED, record
from slmrec.registry.store import Registry
from slmrec.registry.verdict import Verdict
from slmrec.registry.version import (
    FIRST,
    LEVEL_NAMES,
    MAJOR,
    Change,
    Interface,
    Version,
    changes,
    level_of,
)
from slmrec.registry.version_folder import Judged, facts_of, write_verdict, write_version
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import Bundle
from slmrec.runtime.follow import BUNDLE

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Publication:
    """What a publication did."""

    version: Version
    replaces: Version | None
    level: str  # patch, minor or major; first where it is the first one
    changes: list[Change]
    checked: str  # what the fresh process saw
    dropped: list[Version]


def publish(
    challenger: Challenger,
    registry: Registry,
    settings: GateSettings,
    override: str | None,
    report_dir: Path,
    tell: Tell,
) -> Publication:
    """Judge the challenger; where it passes, publish it, or keep the champion.

    The verdict is written to `report_dir` as gate.json and gate.html in either case, and with the
    version where there is one. Raises GateError where the champion stays, BusyError while another
    process publishes, and BundleError where the copy does not hold in a fresh process; then nothing
    is left behind and the champion serves on.
    """
    registry.folder.mkdir(parents=True, exist_ok=True)
    with only_publisher(registry):
        judged = judge_challenger(challenger, registry, settings, override, report_dir, tell)
        return publish_judged(judged, registry, settings.gate.keep_versions, tell)


def judge_challenger(
    challenger: Challenger,
    registry: Registry,
    settings: GateSettings,
    override: str | None,
    report_dir: Path,
    tell: Tell,
) -> Judged:
    """Judge the challenger, write the verdict to `report_dir`, and touch nothing else.

    Raises GateError where it would not be published.
    """
    if override is not None and not override.strip():
        raise UsageError("an override needs a reason: the record keeps it")
    judged = _judge(challenger, registry, settings, override, tell)
    _tell_verdict(judged.verdict, report_dir, tell)
    return judged


def _judge(
    challenger: Challenger,
    registry: Registry,
    settings: GateSettings,
    override: str | None,
    tell: Tell,
) -> Judged:
    recommender = Recommender(challenger.bundle.folder, "cpu", settings.threads)
    side = Side(challenger.manifest_sha256, challenger.bundle, recommender, None)
    champion, histories = registry.current(), challenger.histories()
    other = _champion_side(registry, champion, settings, override, tell)
    verdict = judge(side, other, histories, settings, override, tell)
    p = settings.gate
    inputs = histories_to_record(recommender, histories, p.recorded_histories, p.seed)
    return Judged(challenger, champion, verdict, settings.trial, record(recommender, inputs))


def _champion_side(
    registry: Registry,
    champion: Version | None,
    settings: GateSettings,
    override: str | None,
    tell: Tell,
) -> Side | None:
    """The champion to be measured; None where there is none, or none that is asked for."""
    if champion is None:
        return None
    if settings.against == "baselines":
        tell(f"the champion {champion} is not measured: against the baselines alone, as asked")
        return None
    try:
        bundle = registry.read(champion)
        recommender = Recommender(bundle.folder, "cpu", settings.threads)
        return Side(str(champion), bundle, recommender, MadeUntil.of(registry.record(champion)))
    except BundleError as error:
        if override is None:
            raise BundleError(f"{error}; to publish without it, give --override") from error
        tell(f"the champion {champion} cannot be measured: {error}")
        return None


def _tell_verdict(verdict: Verdict, report_dir: Path, tell: Tell) -> None:
    """Write and tell the verdict. Raises GateError where it publishes nothing."""
    write_verdict(verdict, report_dir / "gate.json", report_dir / "gate.html")
    for rule in verdict.rules:
        tell(rule.line)
    tell(verdict.headline)
    if not verdict.publishes:
        raise GateError(f"the challenger is not published: {verdict.headline}")


def published_as(challenger: Challenger, registry: Registry) -> Version | None:
    """The champion, where it is this very bundle."""
    champion = registry.current()
    if champion is None:
        return None
    same = registry.record(champion)["bundle_sha256"] == challenger.manifest_sha256
    return champion if same else None


def publish_judged(judged: Judged, registry: Registry, keep: int, tell: Tell) -> Publication:
    """Copy, check and point to a challenger whose verdict is known; keep so many versions.

    The caller is the registry's only publisher. Raises BusyError where the champion is no longer
    the one that the challenger was held against.
    """
    found = _changes_for_consumers(registry, judged)
    versions = registry.versions()
    version = versions[-1].after(level_of(found)) if versions else FIRST
    level = LEVEL_NAMES[level_of(found)] if versions else "first"
    named = [f"{LEVEL_NAMES[change.level]}: {change.what}" for change in found]
    with unfinished(registry, version):
        with new_folder(registry.folder_of(version)) as folder:
            write_version(folder, judged, facts_of(judged, version, level, named))
            tell(f"checking version {version} in a fresh process")
            checked = check_in_fresh_process(folder / BUNDLE, folder / RECORDED)
        _take_the_place(registry, version, judged.champion)
    return Publication(version, judged.champion, level, found, checked, drop_old(registry, keep))


def _take_the_place(registry: Registry, version: Version, champion: Version | None) -> None:
    try:
        move_pointer(registry, version, expected=champion)
    except BusyError:
        shutil.rmtree(registry.folder_of(version))
        raise


def _changes_for_consumers(registry: Registry, judged: Judged) -> list[Change]:
    """What changes for consumers of the champion, and of the newest version if that is another.

    After a rollback a number must not promise less than those who met the newest version need.
    """
    known = {judged.champion, *registry.versions()[-1:]}
    bundle = judged.challenger.bundle
    found = [_changes_since(registry, version, bundle) for version in known if version]
    return max(found, key=level_of, default=[])


def _changes_since(registry: Registry, version: Version, bundle: Bundle) -> list[Change]:
    try:
        return changes(Interface.of(registry.read(version)), Interface.of(bundle))
    except BundleError as error:  # of another format, or damaged: who reads it must change
        return [Change(MAJOR, f"version {version} cannot be read: {error}")]
