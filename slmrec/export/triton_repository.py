"""A Triton model repository made of a bundle: the graph, its config, and what clients need.

NAME/config.pbtxt, NAME/1/model.onnx, NAME/warmup/..., and beside the config `items.jsonl` and
`contract.json` (ids and titles by item index) with a golden request and its answer in KServe v2.
Triton itself is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slmrec.core.errors import UsageError
from slmrec.core.files import new_folder
from slmrec.core.vocabulary import PAD
from slmrec.export.triton_config import INPUTS, TritonModel, WarmUp, config_text
from slmrec.runtime.bundle import CONTRACT, GOLDEN, ITEMS, Bundle, part_of, read_bundle
from slmrec.runtime.further_graphs import SERVE_FIXED, file_of
from slmrec.runtime.replay import Case, cases_of
from slmrec.runtime.verification import verify

CONFIG, VERSION, WARM_UP = "config.pbtxt", "1", "warmup"
REQUEST, ANSWER = "golden_request.json", "golden_answer.json"
GOLDEN_CASE = "mixed_batch"  # histories of several lengths, each with exclusions
FULL_BATCH = "length_max"  # the longest history: a whole batch of it is the most that is ever run
KSERVE_TYPES = {np.dtype(np.int64): "INT64", np.dtype(np.float32): "FP32"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def write_repository(bundle_dir: Path, repository: Path, model: TritonModel) -> None:
    """Write the repository, complete or not at all, once the bundle's golden cases hold here.

    Raises UsageError where `repository` holds anything already, BundleError where the bundle is not
    whole or has no `serve_fixed.onnx`.
    """
    _check(model, repository)
    bundle = read_bundle(bundle_dir)
    graph = part_of(bundle, SERVE_FIXED)
    verify(bundle.folder, "cpu", threads=None)
    cases = {case.name: case for case in cases_of(bundle.files[GOLDEN])}
    with new_folder(repository) as temporary:
        _write_model(temporary / model.name, bundle, graph, cases, model)
        temporary.chmod(0o755)  # Triton reads it as another user than the one who wrote it


def _check(model: TritonModel, repository: Path) -> None:
    if not NAME.fullmatch(model.name):
        raise UsageError(
            f"the model's name is {model.name!r}; it becomes a folder and a part of URLs: give "
            "letters, digits, - and _"
        )
    if repository.exists() and (not repository.is_dir() or any(repository.iterdir())):
        raise UsageError(f"{repository} is not an empty folder; name a new one")


def _write_model(
    folder: Path,
    bundle: Bundle,
    graph: Mapping[str, Any],
    cases: Mapping[str, Case],
    model: TritonModel,
) -> None:
    for inner in (folder / VERSION, folder / WARM_UP):
        inner.mkdir(parents=True)
    (folder / VERSION / "model.onnx").write_bytes(bundle.files[file_of(SERVE_FIXED)])
    for name in (ITEMS, CONTRACT):
        (folder / name).write_bytes(bundle.files[name])
    warm_ups = [_write_warm_up(folder, name, case, 1) for name, case in cases.items()]
    warm_ups.append(_write_warm_up(folder, "full_batch", cases[FULL_BATCH], model.max_batch))
    (folder / CONFIG).write_text(config_text(model, graph, warm_ups))
    longest = graph["outputs"]["items"]["shape"][1]
    golden, rows = cases[GOLDEN_CASE], model.max_batch
    _write_json(folder / REQUEST, golden_request(golden, rows))
    _write_json(folder / ANSWER, golden_answer(golden, model.name, rows, longest))


def _write_warm_up(folder: Path, name: str, case: Case, batch: int) -> WarmUp:
    """A case's first row as raw little-endian numbers, which Triton repeats `batch` times."""
    inputs = _inputs(case)
    warm_up = WarmUp(name, batch, {tensor: inputs[tensor].shape[1] for tensor in INPUTS})
    for tensor in INPUTS:
        (folder / WARM_UP / warm_up.file(tensor)).write_bytes(
            inputs[tensor][0].astype("<i8").tobytes()
        )
    return warm_up


def _inputs(case: Case) -> dict[str, np.ndarray]:
    exclude = case.given.exclude
    if not exclude.shape[1]:  # a tensor without numbers is not everywhere one; PAD excludes nothing
        exclude = np.full((len(exclude), 1), PAD, dtype=np.int64)
    return {"history": case.given.history, "exclude": exclude}


def golden_request(case: Case, rows: int) -> dict[str, Any]:
    """A KServe v2 request (POST v2/models/NAME/infer) of at most so many rows of a golden case."""
    inputs = [_kserve(name, array[:rows]) for name, array in _inputs(case).items()]
    return {"inputs": inputs, "outputs": [{"name": "items"}, {"name": "scores"}]}


def golden_answer(case: Case, model_name: str, rows: int, longest: int) -> dict[str, Any]:
    """What the lists of the answer to it begin with, scores within the contract's tolerance."""
    best = {
        "items": case.expected.items[:rows, :longest],
        "scores": case.expected.scores[:rows, :longest],
    }
    return {"model_name": model_name, "outputs": [_kserve(*each) for each in best.items()]}


def _kserve(name: str, array: np.ndarray) -> dict[str, Any]:
    return {
        "name": name,
        "datatype": KSERVE_TYPES[array.dtype],
        "shape": list(array.shape),
        # JSON knows no -inf, which pads a row whose candidates ran out.
        "data": [None if not np.isfinite(value) else value for value in array.ravel().tolist()],
    }


def _write_json(file: Path, value: dict[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
