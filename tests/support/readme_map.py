"""The README's tree of files: each with the first line of its docstring. `python -m tests.support.readme_map` writes it."""

from __future__ import annotations

import ast
import re

from tests.support.project import ROOT

README = ROOT / "README.md"
START, END = (
    "<!-- tree: written by `python -m tests.support.readme_map` -->\n```\n",
    "```\n<!-- end of tree -->",
)
FOLDERS = ("slmrec", "slmrec/stages", "slmrec/studies", "flows")
OTHERS = {
    "dvc.yaml": "The pipeline, the only place that knows the order.",
    "params.yaml": "Every number a person may turn, one section a stage.",
    "studies.yaml": "What the studies of depth and of the loss's terms try.",
    "data.dvc": "What data/ holds, by checksum.",
    "pyproject.toml": "The package: ranges of versions, each with its reason.",
    "constraints.txt": "One set of versions known to work together.",
    "Makefile": "The commands.",
    "prefect.yaml": "The daily deployment.",
    ".ci/run": "What has to pass on a clean clone.",
    "docs/consumers.md": "The bundle as a service reads it, from Python and from Node.",
    "docs/training.md": "Losses, item text, processes: what the training sections of params.yaml mean.",
    "docs/benchmarks.md": "What was measured on public logs, beside other libraries, and what fell short.",
    "benchmarks/": "Side-by-side measurements; results/ with the machine they ran on.",
    "tests/": "Mirrors slmrec/ and flows/; every test is a sentence.",
    "data/": "Raw logs, yours or the demo's; never changed, not in git.",
    "artifacts/": "Everything derived, kept by DVC; artifacts/bundle is what you came for.",
    "metrics/": "Small JSON, in git.",
    "reports/": "Pages for people.",
}


def tree() -> str:
    """One line a file, the captions aligned."""
    captions = dict(OTHERS)
    for folder in FOLDERS:
        captions |= {
            file.relative_to(ROOT).as_posix(): _caption(file.read_text())
            for file in sorted((ROOT / folder).glob("*.py"))
        }
    captions = {name: caption for name, caption in captions.items() if caption}
    width = max(map(len, captions))
    return "".join(f"{name:<{width}}  {caption}\n" for name, caption in captions.items())


def _caption(source: str) -> str:
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


def written() -> str:
    """The tree as the README has it."""
    found = re.search(re.escape(START) + "(.*?)" + re.escape(END), README.read_text(), re.DOTALL)
    assert found, f"README.md has no lines {START!r} and {END!r}"
    return found.group(1)


if __name__ == "__main__":
    README.write_text(README.read_text().replace(START + written() + END, START + tree() + END))
