"""`slmrec add-items`: from a file to a bundle, without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from slmrec.export.add_command import Options, run
from slmrec.runtime import Recommender
from tests.support.project import ROOT, environment
from tests.support.titled_bundles import make_titled_bundle

OPTIONS = Options("sku", "name", 1.0, 3, 2, 100, "2026-11-26")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_titled_bundle(tmp_path_factory.mktemp("bundles") / "bundle", False)


def test_what_was_left_out_is_named_and_the_rest_counted(bundle: Path, tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("sku,name\nn1,red apple\nn2,\nn3,quite otherwise\n")
    lines = list(run(bundle, items, tmp_path / "out", OPTIONS))
    assert lines[:2] == [
        "left out 'n2': no title",
        "left out 'n3': no recommended item has a title with a word in common",
    ]
    assert lines[2].startswith(f"{tmp_path / 'out'} is whole: 1 items added, 2 left out; ")
    assert Recommender(tmp_path / "out", "cpu", 1).items.ids[-1] == "n1"


def test_the_command_needs_no_torch(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\nn1,red apple\n")
    program = (
        "import sys, slmrec.cli\n"
        "try: slmrec.cli.main()\n"
        "finally: assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    words = ["add-items", str(bundle), "items.csv", "out", "--most-titles", "100"]
    process = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=tmp_path,
        env=environment() | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith("out is whole: 1 items added, 0 left out; ")
