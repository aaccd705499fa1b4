"""How large and how readable the code is: lengths, widths, docstrings, types.

Run as: python -m benchmarks.code_size [--rev REVISION] [--json]
Counts the working tree, and with --rev the tree of that commit beside it, read from git without a
checkout. Files that hold nothing but a docstring (most `__init__.py`) are left out, since they
would lower the median. A length is a number of lines from the first to the last, docstring
included; a percentile is the nearest rank. Public means without a leading underscore, here and in
the class around it. Typed means that the result and every parameter but self and cls are annotated.
Needs no package.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import math
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("slmrec", "flows", "benchmarks", "tests")
PAGES = ("dvc.yaml", "README.md")
COLUMNS = 100  # a longer line counts as long, as for ruff
Function = ast.FunctionDef | ast.AsyncFunctionDef
Files = dict[str, str]  # path within the project -> text


@dataclass(frozen=True)
class FolderSize:
    """What is counted of one folder; shares are fractions, 1.0 where there is nothing to count."""

    files: int
    file_median: float
    file_max: int
    functions: int
    function_median: float
    function_p90: int
    function_max: int
    long_lines_share: float
    longest_line: int
    documented_share: float
    typed_share: float


@dataclass(frozen=True)
class PageSize:
    """What is counted of dvc.yaml and README.md."""

    dvc_yaml_lines: int
    dvc_yaml_code_deps: int
    readme_lines: int


def read_working_tree(root: Path) -> Files:
    """The files that are counted, as they lie below `root`."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))]
    paths += [root / page for page in PAGES if (root / page).is_file()]
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


def read_revision(root: Path, revision: str) -> Files:
    """The same files as a commit of the repository at `root` has them."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", revision], cwd=root, check=True, stdout=subprocess.PIPE
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        streams = {m.name: tar.extractfile(m) for m in members if _is_counted(m.name)}
        return {name: stream.read().decode() for name, stream in streams.items() if stream}


def _is_counted(name: str) -> bool:
    return name in PAGES or (name.split("/")[0] in FOLDERS and name.endswith(".py"))


def folder_size(sources: Iterable[str]) -> FolderSize:
    """Count the sources of one folder, those without any code left out."""
    texts = [text for text in sources if has_code(ast.parse(text))]
    trees = [ast.parse(text) for text in texts]
    lines = [line for text in texts for line in text.splitlines()]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, Function)]
    file_lengths = [len(text.splitlines()) for text in texts]
    function_lengths = [length(function) for function in functions]
    public = [node for tree in trees for node in public_definitions(tree)]
    return FolderSize(
        files=len(texts),
        file_median=median(file_lengths),
        file_max=max(file_lengths, default=0),
        functions=len(functions),
        function_median=median(function_lengths),
        function_p90=percentile(function_lengths, 90),
        function_max=max(function_lengths, default=0),
        long_lines_share=1 - share(len(line) <= COLUMNS for line in lines),
        longest_line=max(map(len, lines), default=0),
        documented_share=share(ast.get_docstring(node) is not None for node in public),
        typed_share=share(map(is_typed, functions)),
    )


def page_size(files: Files) -> PageSize:
    """Count dvc.yaml and README.md; a code dep is a dep on a file or folder of code."""
    deps = [line.strip() for line in files.get("dvc.yaml", "").splitlines()]
    return PageSize(
        dvc_yaml_lines=len(deps),
        dvc_yaml_code_deps=sum(dep.startswith(("- slmrec/", "- flows/")) for dep in deps),
        readme_lines=len(files.get("README.md", "").splitlines()),
    )


def has_code(tree: ast.Module) -> bool:
    """Whether a module holds more than its docstring."""
    return len(tree.body) > (ast.get_docstring(tree) is not None)


def length(function: Function) -> int:
    """Lines of a function from `def` to its last, decorators apart."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def public_definitions(tree: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Classes, functions and methods without a leading underscore, outermost first."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node)


def is_typed(function: Function) -> bool:
    """Whether the result and every parameter but a leading self or cls are annotated."""
    p = function.args
    named = [*p.posonlyargs, *p.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    parameters = [*named, *p.kwonlyargs, *(a for a in (p.vararg, p.kwarg) if a)]
    return function.returns is not None and all(a.annotation for a in parameters)


def median(values: list[int]) -> float:
    """The middle value, or the mean of the middle two."""
    ordered = sorted(values)
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    return sum(middle) / len(middle) if middle else 0


def percentile(values: list[int], percent: int) -> int:
    """The least value that `percent` of all values do not exceed (the nearest rank)."""
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[rank - 1] if values else 0


def share(answers: Iterable[bool]) -> float:
    """The fraction of true answers; 1 where nothing was asked."""
    counted = list(answers)
    return sum(counted) / len(counted) if counted else 1.0


def measure(files: Files) -> dict[str, FolderSize | PageSize]:
    """Sizes of each folder that is there, and of the pages."""
    sizes: dict[str, FolderSize | PageSize] = {}
    for folder in FOLDERS:
        sources = [text for name, text in files.items() if name.startswith(f"{folder}/")]
        if sources:
            sizes[folder] = folder_size(sources)
    return {**sizes, "pages": page_size(files)}


# One line of the table: what it says, and the text of its figure.
FOLDER_ROWS: dict[str, Callable[[FolderSize], str]] = {
    "files": lambda size: f"{size.files}",
    "lines of a file: median / max": lambda size: f"{size.file_median:g} / {size.file_max}",
    "functions": lambda size: f"{size.functions}",
    "lines of a function: median / p90 / max": lambda size: (
        f"{size.function_median:g} / {size.function_p90} / {size.function_max}"
    ),
    f"lines over {COLUMNS} columns": lambda size: f"{size.long_lines_share:.2%}",
    "longest line": lambda size: f"{size.longest_line}",
    "public names with a docstring": lambda size: f"{size.documented_share:.1%}",
    "functions fully typed": lambda size: f"{size.typed_share:.1%}",
}
PAGE_ROWS: dict[str, Callable[[PageSize], str]] = {
    "dvc.yaml: lines": lambda size: f"{size.dvc_yaml_lines}",
    "dvc.yaml: deps on code": lambda size: f"{size.dvc_yaml_code_deps}",
    "README.md: lines": lambda size: f"{size.readme_lines}",
}


def as_table(trees: dict[str, dict[str, FolderSize | PageSize]]) -> str:
    """Folders and their figures below each other, one column a tree."""
    rows = [("", *trees)]
    for part in dict.fromkeys(part for sizes in trees.values() for part in sizes):
        rows.append((part, *("" for _ in trees)))
        columns = [_figures(sizes.get(part)) for sizes in trees.values()]
        names = PAGE_ROWS if part == "pages" else FOLDER_ROWS
        rows += [(f"  {name}", *(column.get(name, "-") for column in columns)) for name in names]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def as_json(trees: dict[str, dict[str, FolderSize | PageSize]]) -> str:
    """The same figures by tree and folder."""
    sizes = {
        tree: {part: asdict(size) for part, size in parts.items()} for tree, parts in trees.items()
    }
    return json.dumps(sizes, indent=2)


def _figures(size: FolderSize | PageSize | None) -> dict[str, str]:
    if size is None:
        return {}
    if isinstance(size, PageSize):
        return {name: text(size) for name, text in PAGE_ROWS.items()}
    return {name: text(size) for name, text in FOLDER_ROWS.items()}


def main() -> None:
    """Count the working tree, and before it the revision that was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rev", help="a commit to count as well: a hash, a tag, HEAD")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    trees = {}
    if arguments.rev:
        trees[arguments.rev] = measure(read_revision(ROOT, arguments.rev))
    trees["working tree"] = measure(read_working_tree(ROOT))
    print(as_json(trees) if arguments.json else as_table(trees))


if __name__ == "__main__":
    main()
