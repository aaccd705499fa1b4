"""Findings of a long study, kept one by one as they are made, so that an interrupted study goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slmrec.core.cache import cache_folder
from slmrec.core.files import read_json, write_json


class ResultCache:
    """JSON files under the cache folder, one a finding, good for one key of inputs and settings."""

    def __init__(self, study: str, key: str) -> None:
        self.folder = cache_folder() / "studies" / study / key

    def get_or_compute(self, name: str, make: Callable[[], Any]) -> Any:
        """The finding `name`: read where it is kept, made and kept otherwise."""
        path: Path = self.folder / f"{name}.json"
        if not path.is_file():
            write_json(path, make())
        return read_json(path)
