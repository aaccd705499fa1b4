"""The folder of a version: the bundle with its verdict, its models, and what it was made from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slmrec.core.files import new_file, write_json
from slmrec.registry.challenger import Challenger
from slmrec.registry.made_from import made_from
from slmrec.registry.recorded import RECORDED
from slmrec.registry.store import RECORD, TRIAL, VERDICT, VERDICT_PAGE
from slmrec.registry.trial import Trial
from slmrec.registry.verdict import Verdict
from slmrec.registry.version import GATE, Version
from slmrec.runtime.bundle import write_manifest
from slmrec.runtime.follow import BUNDLE

KEPT_SUFFIXES = (".safetensors", ".json")  # of a model's folder


@dataclass(frozen=True)
class Judged:
    """A challenger that is to be published, and what let it pass."""

    challenger: Challenger
    champion: Version | None  # that it was held against, and whose place it takes
    verdict: Verdict
    trial: Trial | None  # of the same settings on fewer events, where there was one
    recorded: bytes  # histories with the challenger's lists


def facts_of(judged: Judged, version: Version, level: str, changes: list[str]) -> dict[str, Any]:
    """The content of record.json."""
    challenger, verdict, champion = judged.challenger, judged.verdict, judged.champion
    return {
        "version": str(version),
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "replaces": str(champion) if champion else None,
        "change": {"level": level, "changes": changes},
        "override": verdict.override,
        "gate_passed": verdict.passed,
        "bundle_sha256": challenger.manifest_sha256,
        "judged_sha256": verdict.challenger,
        "trial_sha256": judged.trial.judged if judged.trial else None,
        "inputs_sha256": challenger.bundle.contract["inputs_sha256"],
        **made_from(challenger.project, challenger.histories_dir),
    }


def write_version(folder: Path, judged: Judged, facts: dict[str, Any]) -> None:
    """Write all of a version into an empty folder; services may read it as another user."""
    _write_bundle(folder / BUNDLE, judged)
    (folder / RECORDED).write_bytes(judged.recorded)
    write_json(folder / RECORD, facts)
    write_verdict(judged.verdict, folder / VERDICT, folder / VERDICT_PAGE)
    if judged.trial:
        (folder / TRIAL).write_bytes(judged.trial.content)
    challenger = judged.challenger
    _copy_files(challenger.student_dir, folder / "student")
    _copy_files(challenger.teacher_dir, folder / "teacher")
    _copy_files(challenger.item_vectors_dir, folder / "item_vectors")
    _copy_files(challenger.ensemble_dir, folder / "ensemble")
    _copy_files(challenger.metrics_dir, folder / "metrics")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


def _write_bundle(bundle_dir: Path, judged: Judged) -> None:
    """The challenger's files, verified as they were read, the verdict, and a manifest of all."""
    bundle_dir.mkdir()
    for name, content in judged.challenger.bundle.files.items():
        (bundle_dir / name).write_bytes(content)
    write_json(bundle_dir / GATE, judged.verdict.as_json())
    write_manifest(bundle_dir)


def _copy_files(source: Path | None, target: Path) -> None:
    if source is None:
        return
    target.mkdir()
    for file in sorted(source.rglob("*")):
        if file.suffix in KEPT_SUFFIXES and file.is_file():
            copied = target / file.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)


def write_verdict(verdict: Verdict, json_path: Path, page_path: Path) -> None:
    """Write the verdict for programs, and the page for people."""
    write_json(json_path, verdict.as_json())
    with new_file(page_path) as temporary:
        temporary.write_text(verdict.page(), encoding="utf-8")
