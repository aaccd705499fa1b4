"""Pictures of a run for the page: how its models learnt, and how good each version was."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect.artifacts import create_image_artifact

from slmrec.core.files import read_json
from slmrec.studies.plots import Panel, lines_panel, write_picture

CURVES = "artifacts/**/curve.json"
VALUE = "valid_ndcg@10"
Series = Mapping[str, Sequence[tuple[float, float]]]


def publish_pictures(project: Path, registry: Path | None) -> bool:
    """Attach the pictures to the flow run; whether there were any.

    Without matplotlib, which the extra `studies` brings, there are none.
    """
    curves = learning_curves(project)
    quality = quality_by_version(registry) if registry else {}
    panels = [lines_panel("validation NDCG@10", "epoch", curves, {})] if curves else []
    if quality:
        panels.append(lines_panel("NDCG@10 at the gate", "publication", quality, {}))
    if not panels or find_spec("matplotlib") is None:
        return False
    create_image_artifact(
        image_url=_as_url(panels), key="pictures", description="Learning curves; quality by version"
    )
    return True


def learning_curves(project: Path) -> Series:
    """Validation quality by epoch of each model whose training lies in the project."""
    curves = {}
    for path in sorted(project.glob(CURVES)):
        points = [(float(row["epoch"]), float(row[VALUE])) for row in read_json(path)]
        if points:
            curves[path.parent.name] = points
    return curves


def quality_by_version(registry: Path) -> Series:
    """NDCG@10 of each version, and of what it was held against, on its own newest window."""
    versions = [
        (read_json(folder / "record.json")["published_at"], read_json(folder / "verdict.json"))
        for folder in registry.glob("[0-9]*")
        if (folder / "record.json").is_file()
    ]
    versions.sort(key=lambda version: version[0])
    series: dict[str, list[tuple[float, float]]] = {}
    for number, (_published, verdict) in enumerate(versions, start=1):
        for name, figures in verdict["figures"].items():
            called = "version" if name == "challenger" else name
            series.setdefault(called, []).append((float(number), float(figures["ndcg@10"])))
    return series


def _as_url(panels: Sequence[Panel]) -> str:
    """The picture within its own address: a server elsewhere need not reach this machine."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "picture.svg")
        write_picture(path, panels)
        return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
