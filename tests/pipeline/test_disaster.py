"""docs/operations.md, "After a disaster": a machine is lost, and another one goes on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State

from flows.git_commands import git, object_at
from flows.retrain import retrain_landed
from slmrec.core.files import sha256_of_folder
from tests.support.landing_flow import land, write_landing_flow
from tests.support.project import ROOT, run

CLONE = Path(".state/retrain/repository")


def retrain(landing: Path) -> State[Any]:
    return retrain_landed(str(landing), settle_seconds=0, return_state=True)


def make_shop(project: Path) -> Path:
    """A project with its remotes and a first day in its landing folder, which is returned."""
    shutil.copytree(ROOT / "flows", project / "flows", dirs_exist_ok=True)
    landing = write_landing_flow(project)
    remote, store = project.with_name("remote.git"), project.with_name("store")
    git(project.parent, "init", "--quiet", "--bare", remote.name)
    git(project, "remote", "add", "origin", str(remote))
    run(project, "dvc", "remote", "add", "--default", "store", str(store))
    git(project, "commit", "--quiet", "--all", "--message", "remote")
    git(project, "push", "--quiet", "origin", "HEAD:main")
    land(landing, "day1.inter", "u1\ti1\t3\t900000000")
    return landing


@pytest.mark.acceptance
@pytest.mark.usefixtures("prefect_server")
def test_a_new_machine_goes_on_from_the_remotes_and_a_copy_of_the_state(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLMREC_CACHE", "SLMREC_STATE"):
        monkeypatch.delenv(name, raising=False)
    landing = make_shop(project)
    monkeypatch.chdir(project)
    state = retrain(landing)
    assert state.name == "Published", state.message
    served = sha256_of_folder(Path(".state/registry/1.0.0/bundle"), "*")
    remote, new = project.with_name("remote.git"), project.with_name("new")
    kept = project.with_name("kept")
    shutil.copytree(".state", kept, symlinks=True, ignore=shutil.ignore_patterns("repository"))
    monkeypatch.chdir(project.parent)
    shutil.rmtree(project)  # with DVC's cache in it

    git(project.parent, "clone", "--quiet", "--branch", "main", str(remote), str(new))
    monkeypatch.chdir(new)
    shutil.copytree(kept, ".state", symlinks=True)
    git(new, "clone", "--quiet", "--no-checkout", ".", str(CLONE))
    refs = ["retrain:retrain", "refs/tags/slmrec@v*:refs/tags/slmrec@v*"]
    git(CLONE, "fetch", "--quiet", str(remote), *refs)
    assert sha256_of_folder(Path(".state/registry/current/bundle"), "*") == served
    first = object_at(CLONE, "retrain")
    land(landing, "day2.inter", "u2\ti2\t3\t900000001")
    state = retrain(landing)
    assert state.name == "Published", state.message
    assert git(CLONE, "rev-parse", "retrain^") == first
    assert object_at(remote, "retrain") == object_at(CLONE, "retrain")
    data = {file.name for file in (CLONE / "data").glob("*.inter")}
    assert data == {"small.inter", "day1.inter", "day2.inter"}

    # Without a copy of the registry: each version's artifacts are in the DVC remote, by its tag.
    again = project.with_name("again")
    git(project.parent, "clone", "--quiet", "--branch", "slmrec@v1.0.0", str(remote), str(again))
    run(again, "dvc", "pull", "--quiet")
    model = Path("bundle", "model.onnx")
    pulled = (again / "artifacts" / model).read_bytes()
    assert pulled == (kept / "registry" / "1.0.0" / model).read_bytes()
    run(again, "slmrec", "publish")
    assert (again / ".state" / "registry" / "current").readlink() == Path("1.0.0")
