"""How often the test targets of some logs were looked at.

Whoever chooses among models by their test figures measures luck in the end. So every set of models
that is ranked on test is noted, in the cache, by the targets themselves: other settings or models
change nothing of the key. What was noted once is not counted again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmrec.core.cache import cache_folder
from slmrec.core.files import read_json, sha256_of_folder, write_json
from slmrec.dataset.histories import Histories, read_histories

if TYPE_CHECKING:
    from slmrec.evaluation.contestants import Contestant


def note_look(histories: Histories, contestants: Mapping[str, Contestant], *settings: Any) -> str:
    """Note that these contestants are ranked on test with these settings; say how often that was.

    The same models and settings count once, however often the stage runs.
    """
    path, look = _record(histories), _look(contestants, settings)
    looks = _looks(path)
    if look not in looks:
        looks.append(look)
        write_json(path, {"looks": looks})
    return _sentence(len(looks))


def looks_line(histories_dir: Path) -> str:
    """The same sentence of histories on disk; empty where they are not there."""
    if not (histories_dir / "targets.parquet").is_file():
        return ""
    return _sentence(len(_looks(_record(read_histories(histories_dir)))))


def _sentence(looks: int) -> str:
    return f"test of these logs was looked at {looks} {'time' if looks == 1 else 'times'}"


def _looks(path: Path) -> list[str]:
    return list(read_json(path)["looks"]) if path.is_file() else []


def _record(histories: Histories) -> Path:
    """The file of these logs' test targets: whose they are, what they ask for, and after what."""
    targets = histories.targets["test"]
    digest = hashlib.sha256()
    for part in (
        histories.users[targets.row],
        histories.target_items(targets),
        targets.position,
        targets.input_stop,
    ):
        digest.update(part.astype("<i8").tobytes())
    return cache_folder() / "test_looks" / f"{digest.hexdigest()[:32]}.json"


def _look(contestants: Mapping[str, Contestant], settings: tuple[Any, ...]) -> str:
    """A hash of the models' files and the settings, whatever the code that reads them."""
    models = {
        name: [sha256_of_folder(folder, "*") for folder in contestant.model_dirs]
        for name, contestant in contestants.items()
    }
    text = json.dumps([models, settings], sort_keys=True, default=lambda p: p.model_dump())
    return hashlib.sha256(text.encode()).hexdigest()[:32]
