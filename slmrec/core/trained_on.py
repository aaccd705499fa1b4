"""What a published version's models were trained on: its items, and where its targets began.

It lies beside the models that trainings go on from, so that nobody goes on from models that number
items otherwise, or that have seen what they are judged by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from slmrec.core.errors import DataError
from slmrec.core.files import read_json, write_json

NAME = "trained_on.json"


@dataclass(frozen=True)
class TrainedOn:
    """The events and items that models know."""

    version: str  # that was published
    method: str  # of its split: temporal or leave_one_out
    valid_from_us: int | None  # of a temporal split: later events trained nothing
    items: int  # that have an index
    items_sha256: str  # of their ids, in index order

    def numbers_as(self, ids: Iterable[str]) -> bool:
        """Whether `ids`, in index order, are its own, with what came since behind them."""
        return digest_of(islice(ids, self.items)) == self.items_sha256

    def write(self, folder: Path) -> None:
        """Write it into a folder of models."""
        write_json(folder / NAME, asdict(self))


def read_trained_on(folder: Path) -> TrainedOn | None:
    """What `TrainedOn.write` wrote; None where nothing was. Raises DataError on anything else."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        return TrainedOn(**read_json(path))
    except TypeError as error:
        raise DataError(f"{path} is not what a retraining writes ({error}); delete it") from error


def digest_of(ids: Iterable[str]) -> str:
    """Hex sha256 of ids, in index order."""
    digest = hashlib.sha256()
    for one in ids:
        digest.update(json.dumps(one).encode() + b"\n")
    return digest.hexdigest()
