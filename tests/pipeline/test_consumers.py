"""docs/consumers.md: its examples run as they stand there, and recommend the same."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.bundles import make_bundle
from tests.support.project import ROOT

PAGE = (ROOT / "docs" / "consumers.md").read_text()
REQUEST = ("i5,i9,i3", "6")


def example(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number])


def recommended(*command: str) -> list[list[str]]:
    """Rank, item and score with three digits of what a program printed."""
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in output.splitlines() if re.match(r"\d", line)]
    return [[row[0], row[2], f"{float(row[1]):.3f}"] for row in rows]


def test_the_python_example_recommends(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (tmp_path / "recommend.py").write_text(example("python"))
    rows = recommended(sys.executable, str(tmp_path / "recommend.py"), str(bundle), *REQUEST)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize(
    ("number", "said", "answer"),
    [(1, "scores.shape, len(set(ids))", "(2, 39) 39"), (2, "len(lists), len(lists[0])", "1 10")],
)
def test_the_examples_of_further_graphs_answer(
    tmp_path: Path, number: int, said: str, answer: str
) -> None:
    (tmp_path / "artifacts").mkdir()
    make_bundle(tmp_path / "artifacts" / "bundle")
    code = f"{example('python', number)}print({said})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.split("\n")[0] == answer


@pytest.mark.acceptance
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_the_node_example_recommends_what_python_does(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    (tmp_path / "recommend.py").write_text(example("python"))
    (tmp_path / "recommend.mjs").write_text(example("js"))
    environment = {**os.environ, "ONNXRUNTIME_NODE_INSTALL": "skip"}
    install = ["npm", "install", "--no-audit", "--no-fund", "onnxruntime-node@1.30"]
    installed = subprocess.run(
        install, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"npm could not install onnxruntime-node: {installed.stderr[-200:]}")
    in_python = recommended(sys.executable, str(tmp_path / "recommend.py"), str(bundle), *REQUEST)
    assert recommended("node", str(tmp_path / "recommend.mjs"), str(bundle), *REQUEST) == in_python
