"""Small projects with a bundle to publish, in milliseconds: one exported graph, its weights shaken.

The histories suit the unshaken graph: the target of each user is what it recommends first.
"""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
from ruamel.yaml import YAML

from slmrec.core import tables
from slmrec.core.files import sha256_of, sha256_of_folder, write_json
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.dataset.histories import Histories
from slmrec.export.bundle_writer import bundle_files, json_bytes, write_bundle
from slmrec.export.contract import bundle_contract
from slmrec.export.graph_metadata import graph_properties, stamp
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.gate import GateParams
from slmrec.params.section import read_yaml
from slmrec.registry.window import Window
from slmrec.runtime import Recommender
from slmrec.runtime.golden import golden_inputs, record_golden_cases
from slmrec.runtime.items import ServedItems, index_of
from slmrec.runtime.session import open_session, run_graph
from tests.support.bundles import (
    MAX_LENGTH,
    METRICS,
    RETIRED_ITEM,
    ROWS,
    run_on,
    served_items,
    small_graph,
)
from tests.support.histories import histories_of
from tests.support.project import ROOT

USERS = 60
LONGEST = MAX_LENGTH + 2
SETTINGS = {
    "compute.threads": 1,
    "evaluate.short_history": 5,
    "measure_cost.users": 16,
    "measure_cost.batch": 8,
    "gate.bootstrap": 200,
    "gate.min_slice_users": 3,
    "gate.latency_rounds": 3,
    "gate.max_latency_ratio": 100.0,  # milliseconds are timed here: what else runs decides
    "gate.recorded_histories": 20,
    "gate.keep_versions": 3,
}
NOISE = 0.5  # of weights: enough for other lists


@functools.cache
def suited_histories() -> Histories:
    """Each user's last item is the small graph's first choice after all before it."""
    random = np.random.default_rng(3)
    items = [item for item in range(FIRST_ITEM, ROWS) if item != RETIRED_ITEM]
    sequences = []
    for _ in range(USERS):
        history = random.choice(items, random.integers(4, LONGEST)).tolist()
        sequences.append([*history, int(run_on([history], k=1).items[0, 0])])
    return histories_of(sequences, MAX_LENGTH)


def shaken_graph(noise: float, seed: int = 0) -> onnx.ModelProto:
    """The small graph with every weight off by about `noise` of itself; 0 leaves it as it is."""
    random = np.random.default_rng(seed)
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    for tensor in graph.graph.initializer:
        value = onnx.numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.ndim > 1:
            shaken = value * (1 + noise * random.standard_normal(value.shape).astype(np.float32))
            tensor.CopyFrom(onnx.numpy_helper.from_array(shaken, tensor.name))
    return graph


def renamed_items(names: dict[str, str]) -> ServedItems:
    """The small bundle's items, some of them under another id."""
    served = served_items()
    ids = [names.get(item, item) for item in served.ids]
    return ServedItems(ids, served.titles, served.statuses, index_of(ids))


def write_small_bundle(
    folder: Path,
    graph: onnx.ModelProto,
    served: ServedItems,
    inputs_sha256: dict[str, str],
    metrics: dict[str, Any],
) -> Path:
    """A whole bundle of a graph and its items in a new folder."""
    contract = bundle_contract(graph, served, MAX_LENGTH, False, 1e-4, inputs_sha256, None)
    stamped = stamp(graph, graph_properties(json_bytes(contract), served))
    run = functools.partial(run_graph, open_session(stamped, "cpu", 1))
    inputs = golden_inputs(served.rows, MAX_LENGTH, served.candidates, 10, 1)
    golden = record_golden_cases(inputs, run, served.candidates)
    folder.mkdir(parents=True)
    write_bundle(bundle_files(stamped, contract, served, metrics, golden), folder)
    return folder


def bundle_of(folder: Path, noise: float = 0.0, names: dict[str, str] | None = None) -> Recommender:
    """A recommender of a shaken bundle, for tests that publish nothing."""
    bundle = write_small_bundle(
        folder, shaken_graph(noise), renamed_items(names or {}), {}, METRICS
    )
    return Recommender(bundle, "cpu", 1)


def write_histories(histories: Histories, folder: Path) -> None:
    """The tables of `split` for these histories."""
    folder.mkdir(parents=True)
    bounds = list(zip(histories.offsets[:-1], histories.offsets[1:], strict=True))
    histories_table = {
        "user_index": histories.users,
        "items": [histories.items[first:stop].astype(np.uint32) for first, stop in bounds],
        "times": [
            pl.Series(histories.times[first:stop]).cast(tables.TIME) for first, stop in bounds
        ],
    }
    table = pl.DataFrame(histories_table, schema=tables.HISTORIES)
    table.write_parquet(folder / "histories.parquet")
    parts = [
        pl.DataFrame(
            {
                "part": [part] * len(targets.row),
                "user_index": histories.users[targets.row],
                "position": targets.position,
                "input_stop": targets.input_stop,
            },
            schema=tables.TARGETS,
        )
        for part, targets in histories.targets.items()
    ]
    pl.concat(parts).write_parquet(folder / "targets.parquet")
    windows = histories.windows
    windows_table = {
        "window": windows.window,
        "user_index": histories.users[windows.row],
        "start": windows.start,
        "stop": windows.stop,
    }
    pl.DataFrame(windows_table, schema=tables.WINDOWS).write_parquet(folder / "windows.parquet")
    write_json(folder / "summary.json", vars(histories.protocol))


def small_window() -> Window:
    """The suited histories as a window, numbered as the small bundle numbers its items."""
    histories = suited_histories()
    targets = histories.targets["test"]
    return Window(histories, targets, served_items(), evaluate_params(), gate_params())


def evaluate_params(**changes: Any) -> EvaluateParams:
    """The project's section `evaluate`, as small projects have it."""
    return EvaluateParams.model_validate(_section("evaluate") | changes)


def gate_params(**changes: Any) -> GateParams:
    """The project's section `gate`, as small projects have it."""
    return GateParams.model_validate(_section("gate") | changes)


def _section(key: str) -> dict[str, Any]:
    small = {
        name.removeprefix(f"{key}."): value
        for name, value in SETTINGS.items()
        if name.startswith(f"{key}.")
    }
    return dict(read_yaml(ROOT / "params.yaml")[key]) | small


def write_params(folder: Path, **gate: Any) -> None:
    """The project's params.yaml with the small settings, and these of the section `gate`."""
    sections = read_yaml(ROOT / "params.yaml")
    for name, value in (SETTINGS | {f"gate.{key}": value for key, value in gate.items()}).items():
        section, key = name.split(".")
        sections[section][key] = value
    YAML().dump(sections, folder / "params.yaml")


def small_project(folder: Path, noise: float = 0.0, seed: int = 0) -> Path:
    """A project whose bundle, histories, student and metrics are of one run; returns the bundle."""
    folder.mkdir(parents=True)
    write_params(folder)
    artifacts = folder / "artifacts"
    write_histories(suited_histories(), artifacts / "histories")
    for model in ("student/student", "teacher", "item_vectors/sasrec", "ensemble/2"):
        (artifacts / model).mkdir(parents=True)
        (artifacts / model / "model.safetensors").write_bytes(f"{noise} {seed}".encode())
        (artifacts / model / "config.json").write_text("{}\n")
    graph = shaken_graph(noise, seed)
    figures = measured(graph, artifacts / "unmeasured")
    report = {"full": figures, "ci95": {"ndcg@10": [0.0, 1.0]}, "parameters": 1000}
    sasrec = report | {"full": dict.fromkeys(figures, 0.2)}
    models = {"student": report, "student_onnx": report, "sasrec": sasrec}
    protocol = {"split": "temporal", "test_targets": USERS, "items": ROWS, "seed": 4}
    metrics = METRICS | {"models": models, "protocol": protocol, "paired": {}}
    write_json(folder / "metrics" / "evaluation.json", metrics)
    inputs_sha256 = {
        "histories": sha256_of_folder(artifacts / "histories", "*"),
        "student": sha256_of_folder(artifacts / "student" / "student", "*"),
        "evaluation": sha256_of(folder / "metrics" / "evaluation.json"),
    }
    return write_small_bundle(artifacts / "bundle", graph, served_items(), inputs_sha256, metrics)


def measured(graph: onnx.ModelProto, scratch: Path) -> dict[str, float]:
    """What the graph reaches on the suited histories."""
    bundle = write_small_bundle(scratch, graph, served_items(), {}, METRICS)
    window = small_window()
    figures = window.bundle(Recommender(bundle, "cpu", 1)).figures(window.users)
    shutil.rmtree(scratch)
    return figures
