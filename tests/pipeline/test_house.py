"""The house keeps its rules: rooms that say what they are, short files, tests where one looks."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.code_size import Function, has_code, length
from tests.support.project import ROOT

FILES = [
    file.relative_to(ROOT)
    for package in ("slmrec", "flows", "benchmarks", "examples")
    for file in sorted((ROOT / package).rglob("*.py"))
]
LONGEST_FILE, LONGEST_FUNCTION = 250, 40  # lines
DRAWERS = {"utils", "util", "common", "helpers", "base", "misc"}  # names that say nothing

# Rooms whose __init__.py holds more than one line, and what.
ROOMS_WITH_CODE = {
    "slmrec": "the version, which pyproject.toml reads",
    "slmrec/runtime": "the public names",
    "slmrec/stages": "what comes before a stage imports torch: how it waits, and ends",
    "slmrec/studies": "likewise, before a study imports torch",
    "slmrec/tuning": "likewise, before a search imports torch",
    "benchmarks": "OpenMP's setting, before a benchmark imports torch",
}
# Files with logic and without a test of their name, and why.
UNTESTED = {
    "benchmarks/peers/rectools_sasrec.py": "runs in an environment of RecTools' own",
    "benchmarks/peers/rectools_transformers.py": "runs in an environment of RecTools' own",
    "benchmarks/peers/recbole_dataset.py": "runs in an environment of RecBole's own",
    "benchmarks/peers/recbole_sasrec.py": "runs in an environment of RecBole's own",
    "benchmarks/peers/replay_sasrec.py": "runs in an environment of RePlay's own",
}
# Tests of several files together: they have no source of their name.
TESTS_OF_SEVERAL = {
    "tests/preprocessing/test_same_bytes.py": "the whole of prepare, however the logs arrive",
    "tests/preprocessing/test_damaged_cache.py": "the whole of prepare, from a damaged cache",
    "tests/preprocessing/test_incremental.py": "the whole of prepare, one delivery after another",
    "tests/init/test_layouts.py": "the whole of init, on layouts of logs as they are met",
    "tests/preprocessing/logs/test_public_layouts.py": "prepare, on every layout of docs/logs.md",
    "tests/runtime/test_python_versions.py": "the whole of the runtime, on other Pythons",
    "tests/flows/test_ui.py": "Prefect's page, whatever in flows/ shows there",
    "tests/examples/test_browser.py": "a page in JavaScript",
    "tests/runtime/test_imports.py": "the whole of the runtime: what it imports, and when",
}
BRANCHES = (
    ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Match, ast.Try, ast.comprehension
)  # fmt: skip
MOST_STATEMENTS = 3  # of a function without a branch that needs no test of its own


@functools.cache
def parsed(file: Path) -> ast.Module:
    return ast.parse((ROOT / file).read_text())


def docstring(file: Path) -> str | None:
    return ast.get_docstring(parsed(file))


def listed(names: Iterable[object]) -> str:
    return "".join(f"\n  {name}" for name in sorted(map(str, names)))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def has_logic(tree: ast.Module) -> bool:
    """Whether a function branches, loops or takes more than three statements."""
    for function in functions(tree):
        docstrings = ast.get_docstring(function) is not None
        inner = list(ast.walk(function))[1:]
        statements = sum(isinstance(node, ast.stmt) for node in inner) - docstrings
        if statements > MOST_STATEMENTS or any(isinstance(node, BRANCHES) for node in inner):
            return True
    return False


def mirrored_test(file: Path) -> Path:
    """Where the test of a file lies: slmrec/a/b.py -> tests/a/test_b.py."""
    inside = file.relative_to("slmrec") if file.parts[0] == "slmrec" else file
    return Path("tests") / inside.parent / f"test_{file.name}"


def test_the_definition_of_logic() -> None:
    assert not has_logic(ast.parse("X = [1 for _ in Y]"))
    assert not has_logic(ast.parse("def f():\n    '''Doc.'''\n    a = 1\n    b = 2\n    return a"))
    assert has_logic(ast.parse("def f():\n    a = 1\n    b = 2\n    c = 3\n    return a"))
    assert has_logic(ast.parse("class A:\n    def f(self):\n        return 1 if self else 2"))
    assert has_logic(ast.parse("def f(x):\n    return [y for y in x]"))


def test_a_room_says_what_it_is_in_one_line_and_nothing_else() -> None:
    rooms = [file for file in FILES if file.name == "__init__.py"]
    with_code = {file.parent.as_posix() for file in rooms if has_code(parsed(file))}
    assert with_code == set(ROOMS_WITH_CODE)
    wordy = [file for file in rooms if len((docstring(file) or "").splitlines()) != 1]
    assert not wordy, listed(wordy)


def test_every_folder_of_code_is_a_room() -> None:
    folders = {file.parent for file in FILES}
    plain = [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()]
    assert not plain, f"without __init__.py: {listed(plain)}"


def test_every_file_says_what_it_is() -> None:
    silent = [file for file in FILES if not docstring(file)]
    assert not silent, f"without a docstring: {listed(silent)}"


def test_no_file_and_no_function_is_longer_than_a_reader_takes_in() -> None:
    long_files = [
        f"{file.as_posix()} ({lines} lines)"
        for file in FILES
        if (lines := len((ROOT / file).read_text().splitlines())) > LONGEST_FILE
    ]
    long_functions = [
        f"{file.as_posix()}: {function.name} ({lines} lines)"
        for file in FILES
        for function in functions(parsed(file))
        if (lines := length(function)) > LONGEST_FUNCTION
    ]
    assert not long_files, listed(long_files)
    assert not long_functions, listed(long_functions)


def test_no_file_or_folder_is_a_drawer() -> None:
    drawers = [file for file in FILES if DRAWERS & {*file.parts[:-1], file.stem}]
    assert not drawers, listed(drawers)


def test_a_file_with_logic_has_a_test_of_its_name_in_the_same_place() -> None:
    without_test = {
        file.as_posix()
        for file in FILES
        if has_logic(parsed(file)) and not (ROOT / mirrored_test(file)).is_file()
    }
    missing, needless = without_test - set(UNTESTED), set(UNTESTED) - without_test
    assert not missing, f"without a test of their name: {listed(missing)}"
    assert not needless, f"no exception: tested, without logic, or gone: {listed(needless)}"


def test_a_test_has_a_source_of_its_name_in_the_same_place() -> None:
    sources = {mirrored_test(file).as_posix() for file in FILES}
    without_source = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "tests").rglob("test_*.py")
        if file.parent != ROOT / "tests" / "pipeline"
    } - sources
    missing, needless = (
        without_source - set(TESTS_OF_SEVERAL),
        set(TESTS_OF_SEVERAL) - without_source,
    )
    assert not missing, f"without a source of their name: {listed(missing)}"
    assert not needless, f"no exception: with a source, or gone: {listed(needless)}"
