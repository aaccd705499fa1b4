"""How good the models are that the training loop makes on the benchmark sets.

Run as: python -m benchmarks.training DATASET [--data ../shared/data] [--seeds 1 2 3] [--models
sasrec sasrec_text] [--set KEY=VALUE] [--tune]
Every finished run is kept under .cache/benchmarks, so an interrupted measurement goes on;
results/training-DATASET.json is written when all of them are there. `--tune` prints validation
figures alone and writes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
from pathlib import Path
from typing import Any

import torch

from benchmarks.arguments import DATA, PROJECT, RESULTS, new_parser
from benchmarks.datasets import Sequences, leave_one_out, read_sequences
from benchmarks.settings import Settings, embed_items_params, read_settings
from benchmarks.stopwatch import Stopwatch
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import read_json, write_json
from slmrec.dataset.histories import Histories
from slmrec.models.sasrec import SASRec
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.pretrained.title_vectors import title_vectors
from slmrec.ranking.candidates import candidate_mask
from slmrec.ranking.metrics import FULL, means
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.embed_items import embed_items
from slmrec.studies.environment import machine
from slmrec.training.device import use_deterministic_kernels

PACKAGES = ("torch", "numpy", "polars", "accelerate", "transformers")
CACHE = PROJECT / ".cache" / "benchmarks"
Figures = dict[str, Any]


def run_once(
    dataset_dir: Path, model: str, seed: int, settings: Settings, *, tune: bool
) -> Figures:
    """Train one model with one seed, unless that has been done.

    Returns validation and, unless tuning, test figures, and the seconds of the run.
    """
    inputs = json.dumps([dataset_dir.name, model, seed, settings], sort_keys=True)
    key = hashlib.sha256(inputs.encode()).hexdigest()[:16]
    result = CACHE / f"{key}-{'tune' if tune else 'test'}.json"
    if not result.is_file():
        checkpoint = Checkpoint(CACHE / f"{key}-{model}" / "run.safetensors")
        write_json(result, train_and_test(dataset_dir, model, seed, settings, tune, checkpoint))
    return dict(read_json(result))


def train_and_test(
    dataset_dir: Path,
    model: str,
    seed: int,
    settings: Settings,
    tune: bool,
    checkpoint: Checkpoint,
) -> Figures:
    """The figures of `run_once`, measured now."""
    stopwatch = Stopwatch()
    p = embed_items_params(settings, seed=seed)
    sequences = read_sequences(dataset_dir)
    histories = leave_one_out(sequences, settings["max_length"], held_out=2)
    text = read_text(sequences, p) if model == "sasrec_text" else None
    trained, curve = embed_items(
        histories, text, sequences.rows, p, torch.device("cpu"), checkpoint
    )
    figures: Figures = {
        "valid_ndcg@10": max(record["valid_ndcg@10"] for record in curve),
        "epochs": len(curve),
    }
    if not tune:
        figures["test"] = evaluate_on_test(trained, histories, sequences.rows)
    return figures | {"seconds": stopwatch.read()["seconds"]}


def read_text(sequences: Sequences, p: EmbedItemsParams) -> torch.Tensor | None:
    """Vectors of the items' titles, where the settings ask for them.  # (I, F)"""
    if p.text == "none":
        return None
    return title_vectors(sequences.catalogue, sequences.rows, p.text.encoders)


def evaluate_on_test(model: SASRec, histories: Histories, items: int) -> dict[str, float]:
    """Full ranking of each user's last item."""
    targets = histories.targets["test"]
    candidates = candidate_mask(items, histories.items)
    ranks = rank_targets(ModelScorer(model, histories), histories, targets, candidates, None)
    return means(ranks.full, targets.row, FULL)


def over_seeds(runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Mean over seeds and standard deviation between them, of each figure."""
    values = {name: [run[name] for run in runs] for name in runs[0]}
    return {
        name: {
            "mean": statistics.mean(figures),
            "spread": statistics.stdev(figures) if len(figures) > 1 else 0.0,
        }
        for name, figures in values.items()
    }


def measure(p: argparse.Namespace) -> None:
    """Measure the models over the seeds; write mean and spread."""
    settings = read_settings(p.dataset, p.set)
    models: dict[str, Any] = {}
    for model in p.models:
        runs = {}
        for seed in p.seeds:
            runs[seed] = run_once(p.data / p.dataset, model, seed, settings, tune=p.tune)
            print(f"{p.dataset} {model} seed {seed}: {json.dumps(runs[seed])}", flush=True)
        models[model] = {"runs": runs}
    if not p.tune:
        write_result(p.dataset, settings, models, p.threads)


def write_result(dataset: str, settings: Settings, models: dict[str, Any], threads: int) -> None:
    """Write the runs of each model with mean and spread of their test figures."""
    for model in models.values():
        model["test"] = over_seeds([run["test"] for run in model["runs"].values()])
    measured_with = machine(threads, *PACKAGES)
    result = {"settings": settings, "measured_with": measured_with, "models": models}
    write_json(RESULTS / f"training-{dataset}.json", result)


def main() -> None:
    """Read the command line and measure."""
    parser = new_parser(__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--models", nargs="+", default=["sasrec", "sasrec_text"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--tune", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    use_deterministic_kernels()
    measure(arguments)


if __name__ == "__main__":
    main()
