"""README, CONTRIBUTING and docs as pages: blocks say their language, files that they name exist."""

from __future__ import annotations

import re

import pytest

from tests.support.documents import FENCE, PAGES, page_text
from tests.support.project import ROOT


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_says_its_language(page: str) -> None:
    assert [block for language, block in FENCE.findall(page_text(page)) if not language] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = re.findall(
        r"`((?:slmrec|flows|benchmarks|tests|docs)/[\w./-]*\w\.\w+)`", page_text(page)
    )
    linked = [
        link.split("#")[0]
        for link in re.findall(r"\]\(([^)]+)\)", page_text(page))
        if not link.startswith(("http", "#"))
    ]
    folder = (ROOT / page).parent
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert missing + [link for link in linked if not (folder / link).exists()] == []


def test_the_hooks_run_what_make_lint_runs() -> None:
    hooks = re.findall(r"entry: \.venv/bin/(.*)", (ROOT / ".pre-commit-config.yaml").read_text())
    recipe = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    linters = [line.strip().removesuffix(" .") for line in recipe.splitlines()[1:]]
    assert [hook.removesuffix(" --force-exclude") for hook in hooks] == linters
