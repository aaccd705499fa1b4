"""The README keeps its promises: its examples run, and its map is the tree."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import SlmrecError
from slmrec.params.decoder import LoraTuning
from slmrec.params.params_file import read_params
from slmrec.results import MARKS
from tests.support.project import ROOT, change, git, run
from tests.support.readme_map import MAPS, written_map

TEXT = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", MAPS)
def test_the_map_of_a_page_is_what_the_rooms_say_of_themselves(page: str) -> None:
    assert written_map(page) == MAPS[page](), "run: python -m tests.support.readme_map"


def test_readme_is_short_and_its_map_is_taken_in_at_one_glance() -> None:
    assert len(TEXT.splitlines()) <= 200
    assert len(written_map("README.md").splitlines()) <= 25


def test_the_result_table_has_its_place() -> None:
    assert MARKS[0] in TEXT
    assert MARKS[1] in TEXT


def test_the_table_of_exit_codes_names_every_class_of_errors() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\| `(\w+)` \|$", page, re.MULTILINE)
    classes = {error.__name__: error.exit_code for error in SlmrecError.__subclasses__()}
    assert {name: int(code) for code, name in rows} == classes


def test_the_override_that_puts_a_pretrained_llm_in_place_makes_valid_params(
    tmp_path: Path,
) -> None:
    from dvc.utils.hydra import apply_overrides

    (command,) = re.findall(r"dvc exp run (.*)", TEXT)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    apply_overrides(tmp_path / "params.yaml", re.findall(r"-S '(.*?)'", command))
    backbone = read_params(tmp_path / "params.yaml").train_teacher.backbone
    assert backbone.kind == "smollm2-135m"
    assert isinstance(backbone.tuning, LoraTuning)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_worked_example_of_own_logs_works_as_written(project: Path) -> None:
    shutil.rmtree(project / "data")
    (project / "data").mkdir()
    clicks, products = blocks("csv")
    (project / "data/clicks.csv").write_text(clicks)
    (project / "data/products.csv").write_text(products)
    (lines,) = blocks("yaml")
    for source, settings in YAML().load(lines).items():
        for key, value in settings.items():  # the README says that nothing else changes
            change(project / "params.yaml", f"prepare.{source}.{key}", value)
    # The README says that doctor asks for this.
    assert "dvc add data" in run(project, "slmrec.cli", "doctor", check=False).stderr
    run(project, "dvc", "add", "--quiet", "data")
    run(project, "slmrec.cli", "doctor")
    run(project, "dvc", "repro", "--single-item", "prepare")
    items = pl.read_parquet(project / "artifacts/events/items.parquet")
    titles = dict(zip(items["item"], items["title"], strict=True))
    assert titles == {"tea": "Green tea", "cup": "A cup"}
    assert pl.read_parquet(project / "artifacts/events/events/**/*.parquet").height == 3


def test_whoever_has_the_remote_pulls_the_logs_instead_of_fetching_the_demo(
    project: Path, tmp_path: Path
) -> None:
    run(project, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    run(project, "dvc", "push", "--quiet", "data.dvc")
    git(project, "add", ".")
    git(project, "commit", "--message", "logs")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", str(project), str(clone))
    assert not (clone / "data").exists()
    refused = run(clone, "slmrec.cli", "fetch-demo", check=False)
    assert refused.returncode == 2
    assert "dvc pull" in refused.stderr
    run(clone, "dvc", "pull", "--quiet", "data.dvc")
    assert contents(clone / "data") == contents(project / "data")
    run(clone, "slmrec.cli", "doctor")


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
