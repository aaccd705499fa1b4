"""How well and how fast the training loop works on the benchmark sets.

Run as: python -m benchmarks.training quality SET [--data ../shared/data] [--seeds 1 2 3] [--models
sasrec sasrec_text] [--set KEY=VALUE]
        python -m benchmarks.training beside SET [--peers rectools recbole replay]
Every finished run is kept under .cache/benchmarks, so an interrupted measurement goes on;
results/training-SET.json is written when all of them are there. `--tune` prints validation figures
alone and writes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from ruamel.yaml import YAML

from benchmarks.beside import PEERS, beside
from benchmarks.sets import leave_one_out, read_sequences
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json, write_json
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.pretrained.title_vectors import title_vectors
from slmrec.ranking.metrics import FULL, means
from slmrec.ranking.ranks import candidate_mask, rank_targets
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.embed_items import embed_items
from slmrec.studies.environment import machine
from slmrec.training.device import use_deterministic_kernels

HERE = Path(__file__).parent
PACKAGES = ("torch", "numpy", "polars", "accelerate", "transformers")
CACHE = HERE.parent / ".cache" / "benchmarks"


def settings_of(name: str, changes: list[str]) -> dict[str, Any]:
    """The settings of a set, with changes such as training.learning_rate=0.001."""
    whole = YAML(typ="safe").load(HERE / "settings.yaml")
    settings = _merged(whole["every"], whole[name])
    for change in changes:
        key, _, value = change.partition("=")
        *sections, last = key.split(".")
        nested: dict[str, Any] = {last: YAML(typ="safe").load(value)}
        for section in reversed(sections):
            nested = {section: nested}
        settings = _merged(settings, nested)
    return settings


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(first[key], value) if _sections(first.get(key), value) else value
        for key, value in second.items()
    }
    return {**first, **both}


def _sections(first: Any, second: Any) -> bool:
    return isinstance(first, dict) and isinstance(second, dict) and "kind" not in second


def quality_run(
    folder: Path, model: str, seed: int, settings: dict[str, Any], tune: bool
) -> dict[str, Any]:
    """Train one model with one seed; validation and, unless tuning, test figures, and seconds of the run."""
    length = settings["max_length"]
    p = EmbedItemsParams.model_validate(
        {key: value for key, value in settings.items() if key != "max_length"} | {"seed": seed}
    )
    sequences = read_sequences(folder)
    text = (
        title_vectors(sequences.catalogue, sequences.rows, p.text.encoders)
        if model == "sasrec_text" and p.text != "none"
        else None
    )
    histories = leave_one_out(sequences, length, held_out=2)
    key = hashlib.sha256(
        json.dumps([folder.name, model, seed, settings], sort_keys=True).encode()
    ).hexdigest()[:16]
    done, started = CACHE / f"{key}-{'tune' if tune else 'test'}.json", time.perf_counter()
    if done.is_file():
        return dict(read_json(done))
    trained, curve = embed_items(
        histories,
        text,
        sequences.rows,
        p,
        torch.device("cpu"),
        Checkpoint(CACHE / f"{key}-{model}" / "run.safetensors"),
    )
    found: dict[str, Any] = {
        "valid_ndcg@10": max(record["valid_ndcg@10"] for record in curve),
        "epochs": len(curve),
    }
    if not tune:
        candidates = candidate_mask(sequences.rows, histories.items)
        ranks = rank_targets(
            ModelScorer(trained, histories), histories, histories.targets["test"], candidates, None
        )
        found["test"] = means(ranks.full, histories.targets["test"].row, FULL)
    write_json(done, {**found, "seconds": time.perf_counter() - started})
    return dict(read_json(done))


def quality(arguments: argparse.Namespace) -> None:
    """Measure the models over the seeds; write mean and spread."""
    settings = settings_of(arguments.name, arguments.set)
    result: dict[str, Any] = {
        "settings": settings,
        "measured_with": machine(arguments.threads, *PACKAGES),
        "models": {},
    }
    for model in arguments.models:
        runs = {
            seed: quality_run(
                arguments.data / arguments.name, model, seed, settings, arguments.tune
            )
            for seed in arguments.seeds
        }
        for seed, run in runs.items():
            print(f"{arguments.name} {model} seed {seed}: {json.dumps(run)}", flush=True)
        result["models"][model] = {"runs": runs} | (
            {} if arguments.tune else {"test": _summary([run["test"] for run in runs.values()])}
        )
    if not arguments.tune:
        write_json(HERE / "results" / f"training-{arguments.name}.json", result)


def _summary(runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean over seeds and standard deviation between them, of each figure."""
    spread = statistics.stdev if len(runs) > 1 else lambda values: 0.0
    return {
        name: {
            "mean": statistics.mean(run[name] for run in runs),
            "spread": spread([run[name] for run in runs]),
        }
        for name in runs[0]
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["quality", "beside"])
    parser.add_argument("name")
    parser.add_argument("--data", type=Path, default=HERE.parent.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", default=["sasrec", "sasrec_text"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=["rectools"])
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--tune", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    use_deterministic_kernels()
    if arguments.what == "beside":
        beside(
            arguments.name,
            arguments.data,
            settings_of(arguments.name, arguments.set),
            arguments.peers,
            arguments.threads,
        )
    else:
        quality(arguments)


if __name__ == "__main__":
    main()
