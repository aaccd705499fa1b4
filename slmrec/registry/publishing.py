"""Publishing: the gate, a whole copy, a check in a fresh process, and only then the pointer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slmrec.core.errors import BundleError, BusyError, GateError, UsageError
from slmrec.core.files import new_file, new_folder, write_json
from slmrec.registry.challenger import Challenger, histories_to_record
from slmrec.registry.fresh_check import check_in_fresh_process
from slmrec.registry.gate import GateSettings, Side, judge
from slmrec.registry.made_from import made_from
from slmrec.registry.pointer import drop_old, move_pointer, only_publisher
from slmrec.registry.recorded import RECORDED, record
from slmrec.registry.store import RECORD, VERDICT, VERDICT_PAGE, Registry
from slmrec.registry.verdict import Verdict
from slmrec.registry.version import (
    FIRST,
    GATE,
    LEVEL_NAMES,
    MAJOR,
    Change,
    Interface,
    Version,
    changes,
    level_of,
)
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import Bundle, write_manifest
from slmrec.runtime.follow import BUNDLE

Tell = Callable[[str], None]
KEPT_SUFFIXES = (".safetensors", ".json")  # of a model's folder


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
    if override is not None and not override.strip():
        raise UsageError("an override needs a reason: the record keeps it")
    registry.folder.mkdir(parents=True, exist_ok=True)
    with only_publisher(registry):
        champion = registry.current()
        recommender = Recommender(challenger.bundle.folder, "cpu", settings.threads)
        verdict = _judge(challenger, recommender, registry, champion, settings, override, tell)
        write_verdict(verdict, report_dir / "gate.json", report_dir / "gate.html")
        for rule in verdict.rules:
            tell(rule.line)
        tell(verdict.headline)
        if not verdict.publishes:
            raise GateError(f"the challenger is not published: {verdict.headline}")
        recorded = record_histories(challenger, recommender, settings)
        return publish_judged(challenger, verdict, recorded, registry, settings, tell)


def _judge(
    challenger: Challenger,
    recommender: Recommender,
    registry: Registry,
    champion: Version | None,
    settings: GateSettings,
    override: str | None,
    tell: Tell,
) -> Verdict:
    side = Side(challenger.manifest_sha256, challenger.bundle, recommender)
    other = None
    if champion is not None:
        try:
            other = _champion_side(registry, champion, settings.threads)
        except BundleError as error:
            if override is None:
                raise BundleError(f"{error}; to publish without it, give --override") from error
            tell(f"the champion {champion} cannot be measured: {error}")
    return judge(side, other, challenger.histories(), settings, override, tell)


def _champion_side(registry: Registry, champion: Version, threads: int) -> Side:
    bundle = registry.read(champion)
    return Side(str(champion), bundle, Recommender(bundle.folder, "cpu", threads))


def published_as(challenger: Challenger, registry: Registry) -> Version | None:
    """The champion, where it is this very bundle."""
    champion = registry.current()
    if champion is None:
        return None
    same = registry.record(champion)["bundle_sha256"] == challenger.manifest_sha256
    return champion if same else None


def record_histories(
    challenger: Challenger, recommender: Recommender, settings: GateSettings
) -> bytes:
    """Inputs of the newest window with the challenger's lists, to be replayed."""
    histories = challenger.histories()
    count, seed = settings.gate.recorded_histories, settings.gate.seed
    return record(recommender, histories_to_record(recommender, histories, count, seed))


def publish_judged(
    challenger: Challenger,
    verdict: Verdict,
    recorded: bytes,
    registry: Registry,
    settings: GateSettings,
    tell: Tell,
) -> Publication:
    """Copy, check and point to a challenger whose verdict is known.

    The caller is the registry's only publisher. The verdict may be that of another bundle: of one
    that was trained without the newest window, which this one has seen. Both are in the record.
    """
    champion = registry.current()
    found = _changes_for_consumers(registry, challenger.bundle)
    versions = registry.versions()
    version = versions[-1].after(level_of(found)) if versions else FIRST
    facts = _record(challenger, verdict, version, champion, found)
    with new_folder(registry.folder_of(version)) as folder:
        write_version(folder, challenger, verdict, recorded, facts)
        tell(f"checking version {version} in a fresh process")
        checked = check_in_fresh_process(folder / BUNDLE, folder / RECORDED)
    try:
        move_pointer(registry, version, expected=champion)
    except BusyError:
        shutil.rmtree(registry.folder_of(version))
        raise
    dropped = drop_old(registry, settings.gate.keep_versions)
    return Publication(version, champion, facts["change"]["level"], found, checked, dropped)


def _changes_for_consumers(registry: Registry, bundle: Bundle) -> list[Change]:
    """What changes for consumers of the champion, and of the newest version if that is another.

    After a rollback a number must not promise less than those who met the newest version need.
    """
    known = {registry.current(), *registry.versions()[-1:]}
    found = [_changes_since(registry, version, bundle) for version in known if version]
    return max(found, key=level_of, default=[])


def _changes_since(registry: Registry, version: Version, bundle: Bundle) -> list[Change]:
    try:
        return changes(Interface.of(registry.read(version)), Interface.of(bundle))
    except BundleError as error:  # of another format, or damaged: who reads it must change
        return [Change(MAJOR, f"version {version} cannot be read: {error}")]


def _record(
    challenger: Challenger,
    verdict: Verdict,
    version: Version,
    replaces: Version | None,
    found: list[Change],
) -> dict[str, Any]:
    named = [f"{LEVEL_NAMES[change.level]}: {change.what}" for change in found]
    return {
        "version": str(version),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "replaces": str(replaces) if replaces else None,
        "change": {
            "level": LEVEL_NAMES[level_of(found)] if found or replaces else "first",
            "changes": named,
        },
        "override": verdict.override,
        "gate_passed": verdict.passed,
        "bundle_sha256": challenger.manifest_sha256,
        "judged_sha256": verdict.challenger,
        "inputs_sha256": challenger.bundle.contract["inputs_sha256"],
        **made_from(challenger.project, challenger.histories_dir),
    }


def write_version(
    folder: Path,
    challenger: Challenger,
    verdict: Verdict,
    recorded: bytes,
    facts: dict[str, Any],
) -> None:
    """Write all of a version into an empty folder; services may read it as another user."""
    bundle_dir = folder / BUNDLE
    bundle_dir.mkdir()
    for name, content in challenger.bundle.files.items():  # verified as they were read
        (bundle_dir / name).write_bytes(content)
    write_json(bundle_dir / GATE, verdict.as_json())
    write_manifest(bundle_dir)
    (folder / RECORDED).write_bytes(recorded)
    write_json(folder / RECORD, facts)
    write_verdict(verdict, folder / VERDICT, folder / VERDICT_PAGE)
    models = {"student": challenger.student_dir, "teacher": challenger.teacher_dir}
    for name, source in {**models, "metrics": challenger.metrics_dir}.items():
        if source is not None:
            _copy_files(source, folder / name)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)


def _copy_files(source: Path, target: Path) -> None:
    target.mkdir()
    for file in sorted(source.iterdir()):
        if file.suffix in KEPT_SUFFIXES and file.is_file():
            shutil.copyfile(file, target / file.name)


def write_verdict(verdict: Verdict, json_path: Path, page_path: Path) -> None:
    """Write the verdict for programs, and the page for people."""
    write_json(json_path, verdict.as_json())
    with new_file(page_path) as temporary:
        temporary.write_text(verdict.page(), encoding="utf-8")
