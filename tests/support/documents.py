"""The commands that stand in the project's pages, in the order in which they stand there."""

from __future__ import annotations

import re

from tests.support.project import ROOT

PAGES = ["README.md", "CONTRIBUTING.md", *(f"docs/{page.name}" for page in ROOT.glob("docs/*.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
PROGRAMS = "make|slmrec|dvc|pip|python|pytest|prefect|pre-commit|git|npm|node|sha256sum|mkdir|cp"
COMMAND = re.compile(rf"^([A-Z_]+=\S+ )*(\.venv/bin/)?({PROGRAMS}) ")
REMARK = re.compile(r"\s+# .*$")


def page_text(page: str) -> str:
    """The page as it stands."""
    return (ROOT / page).read_text()


def documented_commands() -> dict[str, list[str]]:
    """Every command of a shell block or between backticks, with the pages that it stands in."""
    pages: dict[str, list[str]] = {}
    for page in sorted(PAGES):
        for command in _commands(page_text(page)):
            pages.setdefault(command, []).append(page)
    return pages


def _commands(text: str) -> list[str]:
    shell = [block for language, block in FENCE.findall(text) if language == "sh"]
    lines = [REMARK.sub("", line).strip() for block in shell for line in block.splitlines()]
    inline = [" ".join(span.split()) for span in INLINE.findall(FENCE.sub("", text))]
    return [*filter(None, lines), *(span for span in inline if COMMAND.match(span))]
