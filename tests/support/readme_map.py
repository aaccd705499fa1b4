"""The maps of the rooms in README.md and docs/architecture.md, made from the rooms' docstrings.

Run as: python -m tests.support.readme_map
It writes each map between its two marks. The order is that of the import-linter contract in
pyproject.toml: a room imports only from rooms below it.
"""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from tests.support.project import ROOT

START = "<!-- tree: written by `python -m tests.support.readme_map` -->\n```text\n"
END = "```\n<!-- end of tree -->"
# What no docstring says, above the rooms and below them.
ABOVE = {
    "*.yaml, data/": "The order of the stages, every number; raw logs. artifacts/: what is made.",
    "slmrec/*.py": "What a person calls: the command line, doctor, the table of results.",
}
BELOW = {
    "tests/, examples/": "Tests: the same folders as slmrec/, and whole runs. Uses of a bundle.",
}


def readme_map() -> str:
    """One line for each folder of the project, the captions aligned."""
    rooms = [path for layer in layers() for path in layer if path.is_dir()]
    lines = [ABOVE, _captions([ROOT / "flows", *rooms, ROOT / "benchmarks"]), BELOW]
    return aligned({name: caption for part in lines for name, caption in part.items()})


def import_order() -> str:
    """One line for each module and room of slmrec, numbered from the top layer down.

    Those of one number do not import each other.
    """
    numbered: dict[str, str] = {}
    for number, layer in enumerate(layers(), 1):
        for place, (name, caption) in enumerate(_captions(layer).items()):
            numbered[f"{number if place == 0 else '':>2}  {name}"] = caption
    return aligned(numbered)


def layers() -> list[list[Path]]:
    """The files and folders of each layer of slmrec, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (each for each in settings["contracts"] if each["type"] == "layers")
    return [[_path(module.strip()) for module in layer.split("|")] for layer in contract["layers"]]


def _path(module: str) -> Path:
    folder = ROOT / Path(*module.split("."))
    return folder if folder.is_dir() else folder.with_suffix(".py")


def _captions(paths: list[Path]) -> dict[str, str]:
    """The first line of what each file or folder says of itself."""
    captions = {}
    for path in paths:
        file, suffix = (path / "__init__.py", "/") if path.is_dir() else (path, "")
        docstring = ast.get_docstring(ast.parse(file.read_text())) or ""
        captions[f"{path.relative_to(ROOT).as_posix()}{suffix}"] = docstring.split("\n")[0]
    return captions


def aligned(captions: dict[str, str]) -> str:
    """Names and captions in two columns."""
    width = max(map(len, captions))
    return "".join(f"{name:<{width}}  {caption}\n" for name, caption in captions.items())


MAPS = {"README.md": readme_map, "docs/architecture.md": import_order}


def written_map(page: str) -> str:
    """The map that stands in a page."""
    text = (ROOT / page).read_text()
    match = re.search(re.escape(START) + "(.*?)" + re.escape(END), text, re.DOTALL)
    assert match, f"{page} has no lines {START!r} and {END!r}"
    return match.group(1)


def write_map(page: str) -> None:
    """Replace the map in a page by what the tree says now."""
    text = (ROOT / page).read_text()
    old, new = START + written_map(page) + END, START + MAPS[page]() + END
    (ROOT / page).write_text(text.replace(old, new))


if __name__ == "__main__":
    for name in MAPS:
        write_map(name)
