"""docs/consumers.md: its examples run as they stand there, and recommend the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from slmrec.export.triton_config import TritonModel
from slmrec.export.triton_repository import write_repository
from slmrec.runtime import Recommender
from slmrec.runtime.session import open_session
from tests.support.bundles import make_bundle
from tests.support.project import ROOT
from tests.support.triton import fits, parsed_config

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


@pytest.mark.skipif(find_spec("openvino") is None, reason="needs OpenVINO")
def test_the_openvino_example_recommends_what_python_does(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    for number, name in ((0, "recommend.py"), (1, "in_openvino.py")):
        (tmp_path / name).write_text(example("python", number))
    (expected, found) = (
        recommended(sys.executable, str(tmp_path / name), str(bundle), *REQUEST)
        for name in ("recommend.py", "in_openvino.py")
    )
    assert found == expected


@pytest.mark.parametrize(
    ("number", "said", "answer"),
    [
        (2, "scores.shape, len(set(ids))", "(2, 39) 39"),
        (3, "len(lists), len(lists[0])", "1 10"),
        (4, "len(lists), len(lists[0])", "1 10"),
    ],
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


def test_the_kserve_example_fits_the_config_and_the_graph_recommends_by_it(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    write_repository(bundle, tmp_path / "repository", TritonModel("slmrec", "cpu", 1, 32, 500))
    folder = tmp_path / "repository" / "slmrec"
    request = json.loads(example("json"))
    assert fits(request, parsed_config(folder / "config.pbtxt"))
    rows = {
        tensor["name"]: np.array(tensor["data"], np.int64).reshape(tensor["shape"])
        for tensor in request["inputs"]
    }
    session = open_session((folder / "1/model.onnx").read_bytes(), "cpu", 1)
    (items,) = session.run(["items"], rows)
    expected = Recommender(bundle, "cpu", 1).recommend([["i5", "i9", "i3"], ["i4"]], 20)
    assert [[f"i{item}" for item in row] for row in items] == [
        [item.item for item in best] for best in expected
    ]


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
