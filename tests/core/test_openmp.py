"""OpenMP's idle threads sleep in every stage and study, and a service keeps its own setting."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from slmrec.core.openmp import wait_passively
from tests.support.project import ROOT


def import_and_print_settings(module: str) -> str:
    """What the OpenMP that torch brings reports of itself when `module` is imported."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    program = f"import os, {module}; print('policy:', os.environ.get('OMP_WAIT_POLICY'))"
    imported = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    return imported.stdout + imported.stderr


@pytest.mark.parametrize(
    "module",
    [
        "slmrec.stages.train_teacher",
        pytest.param("slmrec.studies.layer_analysis", marks=pytest.mark.acceptance),
    ],
)
def test_threads_of_the_openmp_that_torch_loads_do_not_spin(module: str) -> None:
    # OMP_WAIT_POLICY is shown as PASSIVE where nothing is set, too; the turns that a thread spins
    # before it sleeps tell: libgomp's default is 300000, and 0 where the policy is PASSIVE.
    assert "GOMP_SPINCOUNT = '0'" in import_and_print_settings(module)


def test_what_the_environment_says_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    wait_passively()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_a_service_that_loads_the_runtime_keeps_its_environment() -> None:
    assert "policy: None" in import_and_print_settings("slmrec.runtime")
