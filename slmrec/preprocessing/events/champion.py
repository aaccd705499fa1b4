"""The published version's models, handed on from a data version to the trainings of its run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import polars as pl

from slmrec.core.files import new_folder, write_json
from slmrec.core.trained_on import read_trained_on


def hand_on_champion(source: Path, items: pl.Series, champion_dir: Path) -> None:
    """Copy the models of a data version, and list them; none where there are none that fit.

    Models whose items are numbered otherwise than `items`, the ids in index order, would take one
    item's row for another's: they are left behind, with a line on the terminal.
    """
    with new_folder(champion_dir) as folder:
        if source.is_dir():
            if why := _why_not(source, items):
                print(f"prepare: {source} is left aside, {why}", file=sys.stderr)
            else:
                shutil.copytree(source, folder, dirs_exist_ok=True)
        weights = sorted(folder.rglob("*.safetensors"))
        models = [path.parent.relative_to(folder).as_posix() for path in weights]
        write_json(folder / "models.json", {"models": models})


def _why_not(source: Path, items: pl.Series) -> str:
    """Why nothing may go on from the models of `source`; empty where it may."""
    trained_on = read_trained_on(source)
    if trained_on is None:
        return "since nothing says what its models were trained on; trainings start anew"
    if not trained_on.numbers_as(items):
        return (
            f"since the models of version {trained_on.version} number their {trained_on.items:,} "
            f"items otherwise than these {len(items):,}; trainings start anew"
        )
    return ""
