"""The counts of a tiny tree, each of them visible."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from benchmarks import code_size
from benchmarks.code_size import (
    FolderSize,
    PageSize,
    as_table,
    folder_size,
    is_typed,
    measure,
    percentile,
    read_revision,
    read_working_tree,
)
from tests.support.project import git

SMALL = '''"""A file of ten lines."""


def documented(a: int, *rest: int) -> int:
    """Three lines."""
    return a


def _private(a):
    return a
'''
WIDE = f'''class Thing:
    """A class."""

    def method(self, a: int) -> int:
        return a

    def half_typed(self, a, b: int = 1) -> int:
        return {"1" * 92}
'''
ONLY_A_DOCSTRING = '"""A room."""\n'
DVC_YAML = """stages:
  prepare:
    deps:
      - data
      - slmrec/core
      - slmrec/stages/prepare.py
"""


def make_tree(root: Path) -> Path:
    files = {
        "slmrec/__init__.py": ONLY_A_DOCSTRING,
        "slmrec/room/small.py": SMALL,
        "slmrec/wide.py": WIDE,
        "slmrec/table.csv": "not,code\n",
        "elsewhere/large.py": "x = 1\n" * 500,
        "dvc.yaml": DVC_YAML,
        "README.md": "# Title\n\nText.\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_everything_is_counted_as_it_can_be_counted_by_hand(tmp_path: Path) -> None:
    sizes = measure(read_working_tree(make_tree(tmp_path)))
    assert sizes == {
        "slmrec": FolderSize(
            files=2,  # the one that holds a docstring alone is no file of code
            file_median=9,  # (10 + 8) / 2
            file_max=10,
            functions=4,
            function_median=2,  # of 2, 2, 2, 3
            function_p90=3,  # the fourth of four: ceil(0.9 * 4)
            function_max=3,
            long_lines_share=1 - 17 / 18,
            longest_line=107,  # eight spaces, "return ", 92 digits
            documented_share=2 / 4,  # documented and Thing, of these, method and half_typed
            typed_share=2 / 4,  # documented and method
        ),
        "pages": PageSize(dvc_yaml_lines=6, dvc_yaml_code_deps=2, readme_lines=3),
    }


def test_a_commit_is_counted_as_it_was_whatever_has_changed_since(tmp_path: Path) -> None:
    make_tree(tmp_path)
    before = measure(read_working_tree(tmp_path))
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "tree")
    (tmp_path / "slmrec/wide.py").unlink()
    (tmp_path / "README.md").write_text("")
    assert measure(read_working_tree(tmp_path)) != before
    assert measure(read_revision(tmp_path, "HEAD")) == before


@pytest.mark.parametrize(
    ("signature", "typed"),
    [
        ("(a: int) -> int", True),
        ("(self, a: int, /, *rest: int, b: int, **others: int) -> None", True),
        ("(a: int)", False),
        ("(a) -> int", False),
        ("(a: int, *rest) -> int", False),
        ("(a: int, *, b) -> int", False),
        ("(a: int, **others) -> int", False),
        ("(a, self) -> int", False),
    ],
)
def test_typed_is_a_function_whose_result_and_every_parameter_are_annotated(
    signature: str, typed: bool
) -> None:
    (function,) = ast.parse(f"def f{signature}: ...").body
    assert isinstance(function, ast.FunctionDef)
    assert is_typed(function) == typed


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(50, 5), (90, 9), (91, 10), (100, 10)],  # rank ceil(percent * 10 / 100) of 1 to 10
)
def test_a_percentile_is_the_nearest_rank(percent: int, expected: int) -> None:
    assert percentile([3, 1, 2, 10, 9, 8, 7, 6, 5, 4], percent) == expected


def test_an_empty_folder_counts_nothing_and_lacks_nothing() -> None:
    empty = folder_size([])
    assert (empty.files, empty.function_p90, empty.longest_line) == (0, 0, 0)
    assert empty.typed_share == empty.documented_share == 1.0
    assert empty.long_lines_share == 0.0


def test_two_trees_stand_side_by_side_and_a_folder_that_one_lacks_is_a_dash(tmp_path: Path) -> None:
    tree = measure(read_working_tree(make_tree(tmp_path)))
    lines = as_table({"old": {"pages": tree["pages"]}, "new": tree}).splitlines()
    assert lines[0].split() == ["old", "new"]
    (files,) = (line for line in lines if line.strip().startswith("files"))
    assert files.split() == ["files", "-", "2"]
    (functions,) = (line for line in lines if "median / p90" in line)
    assert functions.endswith("-  2 / 3 / 3")


def test_json_holds_the_same_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(code_size, "ROOT", make_tree(tmp_path))
    monkeypatch.setattr(sys, "argv", ["code_size", "--json"])
    code_size.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["working tree"]["slmrec"]["functions"] == 4
    assert printed["working tree"]["pages"]["readme_lines"] == 3
