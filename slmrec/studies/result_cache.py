"""Results of a long study, stored one by one, so that an interrupted study continues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slmrec.core.cache import cache_folder
from slmrec.core.checksum import DamagedError, read_checked_json, write_checked_json


class ResultCache:
    """JSON files under the cache folder, one a result, for one key of inputs and settings."""

    def __init__(self, study: str, key: str) -> None:
        self.folder = cache_folder() / "studies" / study / key

    def get_or_compute(self, name: str, compute: Callable[[], Any]) -> Any:
        """The stored result `name`; computed and stored first where none is whole."""
        path = self.folder / f"{name}.json"
        if path.is_file():
            try:
                return read_checked_json(path)
            except DamagedError as error:
                print(error, flush=True)
        write_checked_json(path, compute())
        return read_checked_json(path)
