"""Folders and command-line arguments that several measurements share."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "benchmarks" / "results"
DATA = PROJECT.parent / "shared" / "data"  # the public sets, which may not be redistributed


def new_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help keeps the lines of the module's docstring."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def working_parser(description: str | None, *, work: str) -> argparse.ArgumentParser:
    """A parser with --work: where stages run and leave what they made.

    It must lie outside the project and is by default the folder `work` of the system's temporary
    folder.
    """
    parser = new_parser(description)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / work)
    return parser


def experiment_parser(
    description: str | None, *, work: str, threads: int
) -> argparse.ArgumentParser:
    """A parser with what an experiment on a public set asks: --work, --data and --threads."""
    parser = working_parser(description, work=work)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--threads", type=int, default=threads)
    return parser
