"""The published version's models, as an input of a retraining that goes on from them."""

from __future__ import annotations

import shutil
from pathlib import Path

from flows.landing import INDEX
from slmrec.core.files import new_folder, read_json
from slmrec.core.trained_on import TrainedOn, digest_of
from slmrec.params.export_onnx import ExportParams
from slmrec.runtime.bundle import ITEMS
from slmrec.runtime.follow import BUNDLE
from slmrec.runtime.items import items_from_jsonl

CHAMPION = Path("data", INDEX, "champion")  # below the clone: a part of the data version
CURRENT, RECORD = "current", "record.json"
COPIED = ("model.safetensors", "layers.json")  # the layers are the teacher's, of an LLM's
# Where a version keeps models, and where trainings look for them: as they lie in artifacts/.
SAME_PLACE = ("item_vectors", "ensemble", "teacher")


def champion_folder(registry: Path) -> Path | None:
    """The folder of the version that serves; None where nothing is published."""
    pointer = registry / CURRENT
    return registry / pointer.readlink() if pointer.is_symlink() else None


def bring_champion(clone: Path, version: Path | None) -> None:
    """Put a version's weights into the clone's data; without a version, trainings start anew.

    What a version does not have is left out. What the models were trained on is written beside
    them: trainings ask whether they may go on from there.
    """
    if version is None:
        shutil.rmtree(clone / CHAMPION, ignore_errors=True)
        return
    served = ExportParams.read(clone).model  # the student that a version keeps
    places = {name: name for name in SAME_PLACE} | {"student": f"student/{served}"}
    (clone / CHAMPION).parent.mkdir(parents=True, exist_ok=True)
    with new_folder(clone / CHAMPION) as folder:
        for source, place in places.items():
            for file in sorted((version / source).rglob("*")):
                if file.name in COPIED:
                    target = folder / place / file.relative_to(version / source)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
        _trained_on(version).write(folder)


def _trained_on(version: Path) -> TrainedOn:
    record = read_json(version / RECORD)
    ids = items_from_jsonl((version / BUNDLE / ITEMS).read_bytes()).ids
    method, valid_from = (record["window"].get(key) for key in ("method", "valid_from_us"))
    return TrainedOn(record["version"], method, valid_from, len(ids), digest_of(ids))
