"""The runtime's tests pass on other Pythons, and where the pipeline is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Pythons with numpy, onnxruntime and pytest, with colons between.
PYTHONS = [python for python in os.environ.get("SLMREC_RUNTIME_PYTHONS", "").split(":") if python]
PIPELINE = ("torch", "transformers", "polars", "pandas", "pydantic", "onnx", "pyarrow", "ruamel")
# To a process, a module that is None in sys.modules is not installed.
WITHOUT_PIPELINE = f"""
import sys
sys.modules.update(dict.fromkeys({PIPELINE}))
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""
IN_SUBPROCESS = "SLMREC_TEST_BUNDLE" in os.environ


def run_runtime_tests(*command: str, bundle_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run this folder's tests with `command`, on a bundle and without the fixtures of tests/."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = str(Path(__file__).parent)
    options = ["-q", "-p", "no:cacheprovider", "-m", "not gpu", f"--confcutdir={folder}", folder]
    return subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env=environment | {"SLMREC_TEST_BUNDLE": str(bundle_dir), "SLMREC_RUNTIME_PYTHONS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.acceptance
@pytest.mark.skipif(IN_SUBPROCESS, reason="runs in a process that a test of this file started")
def test_the_runtimes_tests_need_none_of_the_pipelines_packages(exported_bundle: Path) -> None:
    process = run_runtime_tests(sys.executable, "-c", WITHOUT_PIPELINE, bundle_dir=exported_bundle)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.skipif(not PYTHONS, reason="SLMREC_RUNTIME_PYTHONS names no other python")
@pytest.mark.parametrize("python", PYTHONS)
def test_the_runtimes_tests_pass_on_another_python(python: str, exported_bundle: Path) -> None:
    process = run_runtime_tests(python, "-m", "pytest", bundle_dir=exported_bundle)
    assert process.returncode == 0, process.stdout + process.stderr
