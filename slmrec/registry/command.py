"""What `slmrec publish` does, from a bundle's folder to printed lines."""

from __future__ import annotations

from pathlib import Path

from slmrec.params.export_onnx import ExportParams
from slmrec.registry.challenger import Challenger
from slmrec.registry.gate import Against, GateSettings
from slmrec.registry.publishing import Publication, judge_challenger, publish, published_as
from slmrec.registry.store import Registry
from slmrec.registry.trial import Trial


def judge_bundle(
    bundle_dir: Path,
    registry: Registry,
    against: Against,
    override: str | None,
    report_dir: Path,
    trial: Path | None,
) -> None:
    """Judge the bundle as `publish_bundle` would, and publish nothing.

    Raises what `judge_challenger` raises.
    """
    challenger, settings = _read(bundle_dir, against, trial)
    judge_challenger(challenger, registry, settings, override, report_dir, _tell)
    print(f"{bundle_dir} would be published; nothing was, as asked")


def publish_bundle(
    bundle_dir: Path,
    registry: Registry,
    against: Against,
    override: str | None,
    report_dir: Path,
    trial: Path | None,
) -> Publication | None:
    """Publish the bundle of PROJECT/artifacts/bundle by the parameters of that project.

    None where it is the champion already. Raises what `publish` raises.
    """
    challenger, settings = _read(bundle_dir, against, trial)
    if version := published_as(challenger, registry):
        print(f"{bundle_dir} is the champion already, {version}; nothing to publish")
        return None
    done = publish(challenger, registry, settings, override, report_dir, _tell)
    for change in done.changes:
        _tell(f"since {done.replaces}: {change.what}")
    for version in done.dropped:
        _tell(f"dropped {version}")
    _tell(done.checked)
    replaced = f" in place of {done.replaces}" if done.replaces else ""
    print(f"{done.version} serves{replaced} ({done.level}): {registry.folder_of(done.version)}")
    return done


def _read(
    bundle_dir: Path, against: Against, trial: Path | None
) -> tuple[Challenger, GateSettings]:
    project = bundle_dir.resolve().parent.parent
    challenger = Challenger.beside(bundle_dir, ExportParams.read(project).model)
    before = Trial.read(trial) if trial else None
    return challenger, GateSettings.read(project, against, before)


def _tell(line: str) -> None:
    print(f"publish: {line}", flush=True)
