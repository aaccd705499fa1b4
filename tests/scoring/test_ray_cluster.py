"""The same work on a Ray cluster: the same bytes, also where a node dies in the middle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from slmrec.core.files import sha256_of_folder
from tests.support.project import ROOT, environment
from tests.support.scored import walks, write_histories
from tests.support.waiting import wait_until

USERS = 40_000
pytestmark = pytest.mark.acceptance


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster whose head computes nothing, without nodes as yet."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    yield cluster
    cluster.shutdown()


def scoring(bundle: Path, histories: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """The command, with OUT relative to where it is typed: other processes start elsewhere."""
    near = os.path.relpath(out, ROOT)
    words = ["score", str(bundle), str(histories), near, "-k", "5", "--part-users", "1024"]
    return subprocess.Popen(
        [sys.executable, "-m", "slmrec.cli", *words, *options],
        cwd=ROOT,
        env=environment()
        | {key: value for key, value in os.environ.items() if key.startswith("RAY_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def parts(out: Path) -> int:
    return len(list(out.glob("part-*.parquet")))


def test_a_node_that_dies_in_the_middle_changes_nothing(
    small_bundle: Path, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = write_histories(tmp_path / "h.parquet", walks(USERS))
    cluster.add_node(num_cpus=1)
    doomed = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    with scoring(small_bundle, histories, tmp_path / "ray", "--ray") as process:
        wait_until(lambda: parts(tmp_path / "ray") >= 3 or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        cluster.remove_node(doomed, allow_graceful=False)
        began = parts(tmp_path / "ray")
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert began < 40
    assert f"holds the lists of {USERS:,} users" in said
    with scoring(small_bundle, histories, tmp_path / "here", "--processes", "1") as process:
        assert process.wait() == 0
    assert sha256_of_folder(tmp_path / "ray", "*.parquet") == sha256_of_folder(
        tmp_path / "here", "*.parquet"
    )


def test_a_cluster_without_what_is_asked_for_is_an_error_and_no_waiting(
    small_bundle: Path, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    histories = write_histories(tmp_path / "h.parquet", walks(10))
    with scoring(small_bundle, histories, tmp_path / "out", "--ray", "--device=cuda") as process:
        said, _ = process.communicate()
    assert process.returncode == 8, said
    assert "the Ray cluster has no GPU" in said.splitlines()[-1]


def test_a_cluster_that_is_not_there_is_named(
    small_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    histories = write_histories(tmp_path / "h.parquet", walks(10))
    with scoring(small_bundle, histories, tmp_path / "out", "--ray") as process:
        said, _ = process.communicate()
    assert process.returncode == 8, said
    assert "Ray does not reach 127.0.0.1:1" in said.splitlines()[-1]
