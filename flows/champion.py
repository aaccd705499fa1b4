"""The published version's models, as an input of a retraining that goes on from them."""

from __future__ import annotations

import shutil
from pathlib import Path

from flows.landing import INDEX
from slmrec.core.files import new_folder
from slmrec.params.export_onnx import ExportParams

CHAMPION = Path("data", INDEX, "champion")  # below the clone: a part of the data version
CURRENT, WEIGHTS = "current", "model.safetensors"
# Where a version keeps models, and where trainings look for them: as they lie in artifacts/.
SAME_PLACE = ("item_vectors", "ensemble", "teacher")


def champion_folder(registry: Path) -> Path | None:
    """The folder of the version that serves; None where nothing is published."""
    pointer = registry / CURRENT
    return registry / pointer.readlink() if pointer.is_symlink() else None


def bring_champion(clone: Path, version: Path | None) -> None:
    """Put a version's weights into the clone's data; without a version, trainings start anew.

    What a version does not have is left out.
    """
    if version is None:
        shutil.rmtree(clone / CHAMPION, ignore_errors=True)
        return
    places = {name: name for name in SAME_PLACE}
    places["student"] = (
        f"student/{ExportParams.read(clone).model}"  # a version keeps what it serves
    )
    (clone / CHAMPION).parent.mkdir(parents=True, exist_ok=True)
    with new_folder(clone / CHAMPION) as folder:
        for source, place in places.items():
            for weights in sorted((version / source).rglob(WEIGHTS)):
                below = weights.parent.relative_to(version / source)
                (folder / place / below).mkdir(parents=True)
                shutil.copyfile(weights, folder / place / below / WEIGHTS)
