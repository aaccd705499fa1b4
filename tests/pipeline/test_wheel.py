"""The wheel: all of slmrec and nothing else, one build of onnxruntime at most, and it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from itertools import product
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from slmrec import __version__
from tests.support.bundles import make_bundle
from tests.support.project import ROOT

BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
BUILDS = {"onnxruntime", "onnxruntime-gpu"}
MACHINES = ("x86_64", "AMD64", "arm64", "aarch64")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this tree, built from a copy: building writes into the tree."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheels")
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "slmrec", copy / "slmrec", ignore=leave_out)
    for folder in ("tests", "benchmarks", "flows", "examples"):  # what must not come along
        (copy / folder).mkdir()
        shutil.copy(ROOT / folder / "__init__.py", copy / folder)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    subprocess.run(
        [sys.executable, "-c", BUILD, str(out)], cwd=copy, capture_output=True, check=True
    )
    (built,) = out.iterdir()
    return zipfile.ZipFile(built)


def metadata(wheel: zipfile.ZipFile, field: str) -> list[str]:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_string(wheel.read(name).decode()).get_all(field) or []


def requirements(wheel: zipfile.ZipFile) -> list[Requirement]:
    return list(map(Requirement, metadata(wheel, "Requires-Dist")))


def wanted(wheel: zipfile.ZipFile, extra: str, machine: str = "x86_64") -> set[str]:
    """The packages that an installation with one extra asks for, on a machine."""
    surroundings = {"extra": extra, "platform_machine": machine}
    return {
        requirement.name
        for requirement in requirements(wheel)
        if requirement.marker is None or requirement.marker.evaluate(surroundings)
    }


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "slmrec"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == {name for name in tracked if (ROOT / name).is_file()}
    about = {name.partition(".dist-info/")[2] for name in wheel.namelist()} - {""}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= about
    assert {name.split("-")[1] for name in wheel.namelist() if ".dist-info/" in name} == {
        f"{__version__}.dist"
    }


def test_without_an_extra_numpy_is_enough(wheel: zipfile.ZipFile) -> None:
    assert wanted(wheel, "") == {"numpy"}
    assert wanted(wheel, "cpu") == {"numpy", "onnxruntime"}
    assert wanted(wheel, "cli") == {"numpy", "typer", "rich"}


def test_no_extra_brings_both_builds_of_onnxruntime(wheel: zipfile.ZipFile) -> None:
    extras = metadata(wheel, "Provides-Extra")
    assert {"cpu", "gpu", "cuda", "cli", "pipeline"} <= set(extras)
    for extra, machine in product(extras, MACHINES):
        assert len(BUILDS & wanted(wheel, extra, machine)) <= 1, (extra, machine)
    for machine in MACHINES[:2]:
        assert wanted(wheel, "gpu", machine) & BUILDS == {"onnxruntime-gpu"}
        assert wanted(wheel, "pipeline", machine) & BUILDS == {"onnxruntime-gpu"}
    for machine in MACHINES[2:]:
        assert wanted(wheel, "gpu", machine) & BUILDS == {"onnxruntime"}


def test_the_pipeline_brings_what_the_extras_gpu_and_cli_do(wheel: zipfile.ZipFile) -> None:
    by_extra = {
        extra: {
            (requirement.name, str(requirement.specifier))
            for requirement in requirements(wheel)
            if requirement.marker and requirement.marker.evaluate({"extra": extra})
        }
        for extra in ("gpu", "cli", "pipeline")
    }
    assert by_extra["gpu"] | by_extra["cli"] <= by_extra["pipeline"]


def test_the_wheel_verifies_a_bundle_from_where_it_was_unpacked(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    wheel.extractall(tmp_path / "site")
    process = subprocess.run(
        [sys.executable, "-m", "slmrec", "verify", str(bundle)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is whole: 10 golden cases" in process.stdout, process.stderr
