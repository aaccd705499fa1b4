"""`slmrec bench`: what a bundle costs where it is served, as JSON and as a table."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from slmrec.core.vocabulary import FIRST_ITEM, PAD
from slmrec.runtime.cold_start import measure_cold_start
from slmrec.runtime.further_graphs import GRAPH_OF
from slmrec.runtime.latency import Serve, Workload, time_calls, workloads
from slmrec.runtime.onnx_runtime import load_onnxruntime
from slmrec.runtime.recommender import Device, Precision, Recommender

BATCHES = (1, 32, 256)
LIST_LENGTH = 10
MEANT_FOR: dict[str, Precision] = {"cpu": "int8", "cuda": "fp16"}
BUNDLE = "bundle"  # name of what is measured among the servers
HEADER = "".join(
    [
        f"{'':<14}{'batch':>6}{'events':>8}",
        f"{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'users/s':>11}",
    ]
)


def bench(
    bundle: Path, device: Device, threads: int | None, seconds: float, others: Mapping[str, Serve]
) -> dict[str, Any]:
    """Cold start, and times of calls by batch size and length, `seconds` for each of them.

    Beside model.onnx, in turn with it and on the same histories, are measured the graphs in fewer
    bits that the bundle has for this device, and `others`. Raises what loading a bundle does.
    """
    recommender = Recommender.load(bundle, device, threads)
    fewer_bits = {
        f"{BUNDLE} {precision}": serving_ids(
            Recommender.load(bundle, recommender.device, threads, precision=precision)
        )
        for precision in precisions_for(recommender)
    }
    servers = {BUNDLE: serving_ids(recommender), **fewer_bits, **others}
    loads = workloads(len(recommender.items.ids), recommender.contract["max_length"], BATCHES)
    return {
        "measured_with": _surroundings(recommender, threads),
        "cold_start": measure_cold_start(bundle, recommender.device, threads),
        "calls": [
            timing.as_json()
            for workload in loads
            for timing in time_calls(servers, workload, seconds)
        ],
    }


def precisions_for(recommender: Recommender) -> list[Precision]:
    """The precisions beside fp32 that a recommender's bundle has for its device."""
    meant = MEANT_FOR[recommender.device]
    return [meant] if GRAPH_OF[meant] in recommender.contract.get("graphs", {}) else []


def serving_ids(recommender: Recommender) -> Serve:
    """Whole calls: ids in, ten recommendations with titles out."""
    k = min(LIST_LENGTH, recommender.largest_k)

    def serve(workload: Workload) -> Callable[[], object]:
        return partial(recommender.recommend, ids_of(recommender, workload), k)

    return serve


def ids_of(recommender: Recommender, workload: Workload) -> list[list[str]]:
    """The histories of a workload as external ids."""
    ids = recommender.items.ids
    return [
        [ids[item - FIRST_ITEM] for item in row if item != PAD] for row in workload.indices.tolist()
    ]


def _surroundings(recommender: Recommender, threads: int | None) -> dict[str, Any]:
    return {
        "device": recommender.device,
        "threads": threads,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": load_onnxruntime().__version__,
        "items": recommender.largest_k,
        "longest": recommender.contract["max_length"],
        "batch_size": recommender.batch_size,
    }


def table(report: Mapping[str, Any]) -> str:
    """A report as lines for a person."""
    made, cold = report["measured_with"], report["cold_start"]
    threads = made["threads"] or "all"
    lines = [
        f"{made['device']}, threads: {threads} of {made['cores']} cores; onnxruntime "
        f"{made['onnxruntime']}, Python {made['python']}, {made['system']}",
        f"{made['items']:,} items, histories of up to {made['longest']} events, "
        f"{made['batch_size']} at once",
        f"a new process: {cold['process_seconds']:.2f} s, of them import "
        f"{cold['import_seconds']:.2f}, load {cold['load_seconds']:.2f}, first answer "
        f"{cold['first_answer_seconds']:.3f}; memory {_mib(cold['loaded_mib'])}, "
        f"after 256 users at once {_mib(cold['after_256_users_mib'])}",
        "",
        HEADER,
    ]
    return "\n".join([*lines, *map(_row, report["calls"])])


def _row(call: Mapping[str, Any]) -> str:
    times = "".join(f"{call[name]:>10.3f}" for name in ("p50_ms", "p95_ms", "p99_ms"))
    return (
        f"{call['server']:<14}{call['batch']:>6}{call['events']:>8}{times}"
        f"{call['users_per_second']:>11,.0f}"
    )


def _mib(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MiB"
