"""The depth study: how deep the teacher has to be.

`make depth-study`, or: python -m slmrec.studies.depth HISTORIES ITEM_VECTORS TEACHER REPORT. Works
on the project's own data and teacher: quality of every layer read out, of teachers retrained at
several depths, and what each layer does. Settings are in studies.yaml. Writes depth.json and
depth.svg into REPORT. It looks at validation targets only, because depth is a choice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmrec.core.files import write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import read_histories
from slmrec.models.serialization import load_decoder
from slmrec.params.compute import ComputeParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.studies.environment import study_context
from slmrec.studies.params import DepthStudyParams
from slmrec.studies.plots import (
    Panel,
    Point,
    lines_panel,
    matrix_panel,
    require_matplotlib,
    write_picture,
)
from slmrec.studies.result_cache import ResultCache
from slmrec.studies.teacher_depth import StudiedTeacher, study_depth
from slmrec.training.device import start_torch


def main(
    histories_dir: Path, item_vectors_dir: Path, teacher_dir: Path, *, report_dir: Path
) -> None:
    """Study the teacher in `teacher_dir`; write depth.json and depth.svg into `report_dir`."""
    require_matplotlib()
    compute = ComputeParams.read()
    device = start_torch(compute)
    teacher_p = TrainTeacherParams.read()
    p = DepthStudyParams.read()
    model = load_decoder(teacher_dir)
    key = key_of([histories_dir, item_vectors_dir, teacher_dir], teacher_p, p)
    histories = read_histories(histories_dir)
    teacher = StudiedTeacher(histories, item_vectors_dir, model, teacher_p, device, key)
    results = study_depth(teacher, p, ResultCache("depth", key))
    picture = report_dir / "depth.svg"
    write_json(report_dir / "depth.json", results | study_context(compute, teacher_p, p))
    write_picture(picture, depth_panels(results))
    print(
        f"depth study: {results['chosen_depth']} layers reach {p.near:.0%} of the best depth's "
        f"NDCG@10; see {picture}"
    )


def depth_panels(results: dict[str, Any]) -> list[Panel]:
    """Quality by depth, seconds by depth, what layers do, how similar their states are."""
    layers = results["layers"]
    seconds = {"training": _by_depth(results["retrained"], "seconds")}
    return [
        _quality_panel(results),
        lines_panel("Seconds of training", "layers", seconds, {}),
        lines_panel("What each layer does", "layer", _layer_effects(layers), {}),
        matrix_panel("Similarity of states between layers (CKA)", layers["cka"]),
    ]


def _quality_panel(results: dict[str, Any]) -> Panel:
    quality = {
        "retrained": _by_depth(results["retrained"], "valid_ndcg@10"),
        "full depth, read out after each layer": _by_layer(results["read_out"]),
    }
    sasrec = {"SASRec": results["sasrec_valid_ndcg@10"]}
    title = f"Validation NDCG@10; chosen depth {results['chosen_depth']}"
    return lines_panel(title, "layers", quality, sasrec)


def _layer_effects(layers: dict[str, Any]) -> dict[str, list[Point]]:
    effects = {"change by one layer (1 - cosine)": _by_layer(layers["change"])}
    for span, shares in layers["explained_by_one_map"].items():
        effects[f"explained by one map over {span}"] = _by_layer(shares)
    return effects


def _by_depth(retrained: list[dict[str, Any]], figure: str) -> list[Point]:
    return [(result["depth"], result[figure]) for result in retrained]


def _by_layer(figures: list[float]) -> list[Point]:
    return list(enumerate(figures, start=1))


if __name__ == "__main__":
    run_stage(main)
