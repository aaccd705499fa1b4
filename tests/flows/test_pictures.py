"""Pictures of a run: the curves of its models, and the versions so far."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from flows.pictures import drift_by_version, learning_curves, publish_pictures, quality_by_version
from slmrec.core.files import read_json, write_json
from slmrec.preprocessing.validation.drift import POPULARITY, VOLUME, Shift


def write_curve(project: Path, name: str, values: list[float]) -> None:
    rows = [{"epoch": epoch, "valid_ndcg@10": value} for epoch, value in enumerate(values, 1)]
    (project / "artifacts" / name).mkdir(parents=True)
    write_json(project / "artifacts" / name / "curve.json", rows)


def write_version(registry: Path, number: str, published_at: str, **ndcg: float) -> None:
    folder = registry / number
    folder.mkdir(parents=True)
    figures = {name: {"ndcg@10": value} for name, value in ndcg.items()}
    write_json(folder / "verdict.json", {"challenger": f"of {number}", "figures": figures})
    write_json(
        folder / "record.json", {"judged_sha256": f"of {number}", "published_at": published_at}
    )


def test_curves_are_those_of_every_model_that_was_trained(tmp_path: Path) -> None:
    write_curve(tmp_path, "teacher", [0.1, 0.2])
    write_curve(tmp_path, "student/student", [0.3])
    write_curve(tmp_path, "student/none", [])
    assert learning_curves(tmp_path) == {"student": [(1, 0.3)], "teacher": [(1, 0.1), (2, 0.2)]}


def test_versions_stand_in_the_order_of_their_publication(tmp_path: Path) -> None:
    write_version(tmp_path, "1.10.0", "2026-03-02T00:00:00+00:00", challenger=0.4, champion=0.3)
    write_version(tmp_path, "1.9.0", "2026-03-01T00:00:00+00:00", challenger=0.2)
    (tmp_path / "current").symlink_to("1.10.0")
    assert quality_by_version(tmp_path) == {"version": [(1, 0.2), (2, 0.4)], "champion": [(2, 0.3)]}


def test_drift_is_a_share_of_what_is_allowed_and_the_first_version_has_none(tmp_path: Path) -> None:
    write_version(tmp_path, "1.0.0", "2026-03-01T00:00:00+00:00", challenger=0.2)
    write_version(tmp_path, "1.1.0", "2026-03-02T00:00:00+00:00", challenger=0.2)
    record = read_json(tmp_path / "1.1.0" / "record.json")
    shifts = [
        Shift(POPULARITY, 0.15, 0.3).as_json(),
        Shift(VOLUME, 6.0, 3.0).as_json(),
    ]
    write_json(tmp_path / "1.1.0" / "record.json", record | {"drift": shifts})
    assert drift_by_version(tmp_path) == {"popularity": [(2, 0.5)], "events a day": [(2, 2.0)]}


@pytest.mark.usefixtures("prefect_server")
def test_the_picture_hangs_on_the_run_within_its_own_address(tmp_path: Path) -> None:
    @flow
    def drawing() -> bool:
        return publish_pictures(tmp_path, tmp_path / "registry")

    assert not drawing()
    write_curve(tmp_path, "teacher", [0.1, 0.2])
    assert drawing()
    with get_client(sync_client=True) as client:
        (artifact,) = [each for each in client.read_artifacts() if each.key == "pictures"]
    assert artifact.type == "image"
    kind, data = str(artifact.data).split(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"validation NDCG@10" in base64.b64decode(data)
