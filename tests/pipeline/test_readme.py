"""The README keeps its promises: its examples run, its tree is the tree, its commands exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import polars as pl
from ruamel.yaml import YAML

from slmrec.params.decoder import LoraTuning
from slmrec.params.params_file import read_params
from slmrec.results import MARKS
from tests.support.project import ROOT, change, run
from tests.support.readme_map import README, tree, written

TEXT = README.read_text()


def test_the_tree_names_every_file_with_its_own_caption():
    assert written() == tree(), "run: python -m tests.support.readme_map"


def test_the_result_table_has_its_place():
    assert MARKS[0] in TEXT
    assert MARKS[1] in TEXT


def test_every_make_target_of_the_readme_exists():
    named = set(re.findall(r"`?make ([a-z-]+)", TEXT)) - {"sure"}
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named
    assert named <= there


def test_every_slmrec_command_of_the_readme_exists():
    named = set(re.findall(r"slmrec (fetch-demo|simulate|recommend|verify|doctor|show)\b", TEXT))
    assert len(named) == 6
    said = run(ROOT, "slmrec.cli", "--help").stdout
    assert all(command in said for command in named)


def test_the_override_that_puts_a_pretrained_llm_in_place_makes_valid_params(tmp_path):
    from dvc.utils.hydra import apply_overrides

    (command,) = re.findall(r"dvc exp run (.*)", TEXT)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply_overrides(tmp_path / "params.yaml", re.findall(r"-S '(.*?)'", command))
    backbone = read_params(tmp_path / "params.yaml").train_teacher.backbone
    assert backbone.kind == "smollm2-135m"
    assert isinstance(backbone.tuning, LoraTuning)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)


def test_the_worked_example_of_own_logs_works_as_written(project):
    shutil.rmtree(project / "data")
    (project / "data").mkdir()
    clicks, products = blocks("csv")
    (project / "data/clicks.csv").write_text(clicks)
    (project / "data/products.csv").write_text(products)
    (lines,) = blocks("yaml")
    for key, value in YAML().load(lines).items():
        change(project / "params.yaml", f"prepare.{key}", value)
    assert (
        "dvc add data" in run(project, "slmrec.cli", "doctor", check=False).stderr
    )  # as the README says it does
    run(project, "dvc", "add", "--quiet", "data")
    run(project, "slmrec.cli", "doctor")
    run(project, "dvc", "repro", "--single-item", "prepare")
    items = pl.read_parquet(project / "artifacts/events/items.parquet")
    assert dict(zip(items["item"], items["title"], strict=True)) == {
        "tea": "Green tea",
        "cup": "A cup",
    }
    assert pl.read_parquet(project / "artifacts/events/events/**/*.parquet").height == 3


def test_whoever_has_the_remote_pulls_the_logs_instead_of_fetching_the_demo(project, tmp_path):
    run(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    run(project, "dvc", "push", "--quiet", "data.dvc")
    subprocess.run(["git", "add", "."], cwd=project, check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(
        ["git", *identity, "commit", "--quiet", "--message", "logs"], cwd=project, check=True
    )
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(["git", "clone", "--quiet", str(project), str(elsewhere)], check=True)
    assert not (elsewhere / "data").exists()
    refused = run(elsewhere, "slmrec.cli", "fetch-demo", check=False)
    assert refused.returncode == 2
    assert "dvc pull" in refused.stderr
    run(elsewhere, "dvc", "pull", "--quiet", "data.dvc")
    assert files(elsewhere / "data") == files(project / "data")
    run(elsewhere, "slmrec.cli", "doctor")


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
