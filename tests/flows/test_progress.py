"""A stage's counted lines move an artifact; a server that is away costs the artifact alone."""

from __future__ import annotations

import socket

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.progress import StageProgress, share_done


@pytest.mark.parametrize(
    ("line", "share"),
    [
        ("student: epoch 3/12 valid_ndcg@10 0.0871 ranking 5.88 (16.3 s)", 25.0),
        ("evaluate: 4/10 item_neighbours ndcg@10 0.0966", 40.0),
        ("titles: 12058/12058", 100.0),
        ("sasrec-text.7: 5/4", 100.0),
        ("student: goes on from the champion's, 3/4 known", None),
        ("split: 0/0", None),
        ("Running stage 'split':", None),
        ("ensemble: model 1 of 2, sasrec of seed 2", None),
    ],
)
def test_the_share_is_what_the_line_counts(line: str, share: float | None) -> None:
    assert share_done(line) == share


@pytest.mark.usefixtures("prefect_server")
def test_an_artifact_of_the_run_moves_with_the_lines() -> None:
    seen: list[str] = []

    @flow
    def stage() -> None:
        progress = StageProgress("distill_student", seen.append)
        for line in ("begins", "student: epoch 1/4 a", "student: epoch 3/4 b", "ends"):
            progress(line)

    stage()
    assert seen == ["begins", "student: epoch 1/4 a", "student: epoch 3/4 b", "ends"]
    with get_client(sync_client=True) as client:
        (artifact,) = [
            each for each in client.read_artifacts() if each.key == "progress-distill-student"
        ]
    assert (artifact.type, artifact.data) == ("progress", 75.0)
    assert artifact.description == "student: epoch 3/4 b"
    assert artifact.flow_run_id is not None


def test_without_a_server_the_lines_come_all_the_same() -> None:
    seen: list[str] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # not listening: a connection is refused
        with temporary_settings(
            {PREFECT_API_URL: f"http://127.0.0.1:{nobody.getsockname()[1]}/api"}
        ):
            progress = StageProgress("split", seen.append)
            progress("split: 1/2")
            progress("split: 2/2")
    assert [line for line in seen if line.startswith("split: ")] == ["split: 1/2", "split: 2/2"]
    (told,) = [line for line in seen if not line.startswith("split: ")]
    assert told.startswith("progress of split is no longer shown: ")
