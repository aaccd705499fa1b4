"""Pictures of a run for the page: how its models learnt, and how versions went on.

Of each version, how good it was, and how far its data lay from the one before.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
    drift = drift_by_version(registry) if registry else {}
    panels = [lines_panel("validation NDCG@10", "epoch", curves, {})] if curves else []
    if quality:
        panels.append(lines_panel("NDCG@10 at the gate", "publication", quality, {}))
    if drift:
        title = "drift of the data, as a share of what is allowed"
        panels.append(lines_panel(title, "publication", drift, {"allowed": 1.0}))
    if not panels or find_spec("matplotlib") is None:
        return False
    create_image_artifact(
        image_url=_as_url(panels),
        key="pictures",
        description="Learning curves; quality and drift by version",
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
    series: dict[str, list[tuple[float, float]]] = {}
    for number, (folder, _record) in enumerate(_versions(registry), start=1):
        for name, figures in read_json(folder / "verdict.json")["figures"].items():
            called = "version" if name == "challenger" else name
            series.setdefault(called, []).append((float(number), float(figures["ndcg@10"])))
    return series


def drift_by_version(registry: Path) -> Series:
    """Each measure of drift of each version but the first, as a share of what was allowed.

    Of what may not drift at all there is no share.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for number, (_folder, record) in enumerate(_versions(registry), start=1):
        for shift in record.get("drift") or []:
            if shift["allowed"]:
                point = (float(number), shift["found"] / shift["allowed"])
                series.setdefault(shift["name"].partition(":")[0], []).append(point)
    return series


def _versions(registry: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The folder and the record of each version, in the order of their publication."""
    records = [
        (folder, read_json(folder / "record.json"))
        for folder in registry.glob("[0-9]*")
        if (folder / "record.json").is_file()
    ]
    return sorted(records, key=lambda version: version[1]["published_at"])


def _as_url(panels: Sequence[Panel]) -> str:
    """The picture within its own address: a server elsewhere need not reach this machine."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "picture.svg")
        write_picture(path, panels)
        return f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}"
