"""`python -m slmrec` is the command line; without its packages it says what to install."""

from __future__ import annotations

import subprocess
import sys

from tests.support.project import ROOT, run

WITHOUT_TYPER = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "typer" else find_spec(name)
from slmrec.__main__ import main
main()
"""


def test_the_package_runs_as_the_command_line() -> None:
    assert "recommend" in run(ROOT, "slmrec", "--help").stdout


def test_without_the_command_lines_packages_one_line_says_what_to_install() -> None:
    process = subprocess.run(
        [sys.executable, "-c", WITHOUT_TYPER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert process.returncode == 8
    assert process.stderr == (
        "slmrec: typer not installed; the command line is an extra: "
        "pip install 'slmrec[cli]' (in a checkout: pip install '.[cli]')\n"
    )
