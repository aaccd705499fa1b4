"""SASRec here and in other libraries: the same events, shape, epochs and threads, in one run.

Run as: python -m benchmarks.other_libraries DATASET [--data ../shared/data] [--peers rectools
recbole replay] [--set KEY=VALUE]
Every model trains on all but each user's last item, for a fixed number of epochs, and is kept as
the last epoch left it. Each names ten items a user, out of those the user has not met, and one
function judges all lists. A peer runs in its own virtual environment .cache/peers/NAME, made
beforehand with its package in it. Results:
benchmarks/results/other-libraries-DATASET-EPOCHS-epochs.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import DATA, PROJECT, RESULTS, new_parser
from benchmarks.datasets import leave_one_out, read_sequences
from benchmarks.peer_runs import (
    LIST_LENGTH,
    PEERS,
    Epochs,
    installed_versions,
    train_peer,
    write_events,
)
from benchmarks.settings import Settings, embed_items_params, read_settings
from benchmarks.stopwatch import Stopwatch
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.files import write_json
from slmrec.core.progress import Progress
from slmrec.dataset.histories import Histories
from slmrec.models.factory import new_sasrec
from slmrec.models.sasrec import SASRec
from slmrec.params.embed_items import EmbedItemsParams
from slmrec.ranking.candidates import candidate_mask, mask_excluded
from slmrec.ranking.metrics import gains
from slmrec.ranking.scorers import ModelScorer
from slmrec.studies.environment import machine
from slmrec.training.device import use_deterministic_kernels
from slmrec.training.loop import Trainer
from slmrec.training.objectives import next_item_run

USERS_AT_ONCE = 512


def train_here(
    histories: Histories, items: int, p: EmbedItemsParams, work_dir: Path
) -> tuple[Epochs, np.ndarray]:
    """Train from the start; seconds of each epoch, and ten items a user.  # (U, 10)"""
    (work_dir / "here.safetensors").unlink(missing_ok=True)
    checkpoint = Checkpoint(work_dir / "here.safetensors")
    torch.manual_seed(p.seed)
    trained = torch.from_numpy(histories.trained_items(items))  # (I,) bool
    model = new_sasrec(trained, None, p, histories.protocol.max_length)
    # Nothing is held out to choose an epoch by: the model stays as the last epoch left it.
    run = next_item_run(
        "sasrec", model, lambda _model: 0.0, histories, p.training, p.seed, checkpoint
    )
    trainer, epochs = Trainer(run), []
    with Progress("slmrec", trainer.total_steps) as progress:
        while trainer.state.epoch < p.training.epochs:
            stopwatch = Stopwatch()
            trainer.finish_epoch(progress)
            epochs.append(stopwatch.read())
    return epochs, recommend(model.eval(), histories, items)


def recommend(model: SASRec, histories: Histories, items: int) -> np.ndarray:
    """Ten items a user from all but the last event, without those of it.  # (U, 10)"""
    scorer, candidates = ModelScorer(model, histories), candidate_mask(items, histories.items)
    stops = np.diff(histories.offsets) - 1
    lists = []
    for rows in np.array_split(np.arange(len(stops)), -(-len(stops) // USERS_AT_ONCE)):
        scores = scorer.score(rows, stops[rows])  # (B, I)
        mask_excluded(scores, histories, rows, stops[rows], candidates)
        lists.append(scores.topk(LIST_LENGTH, dim=1).indices.numpy())
    return np.concatenate(lists)


def judge(lists: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Mean over users of HR@10 and NDCG@10: lists (U, 10), targets (U,) each user's last item."""
    hits = lists == targets[:, None]
    ranks = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, LIST_LENGTH + 1)
    return {name: float(gains(ranks, name).mean()) for name in ("hr@10", "ndcg@10")}


def summarize(epochs: Epochs, lists: np.ndarray, targets: np.ndarray) -> dict[str, Any]:
    """One library's line: how many epochs, the median seconds of one, and the quality."""
    medians = {name: statistics.median(epoch[name] for epoch in epochs) for name in epochs[0]}
    return {"epochs": len(epochs), "per_epoch": medians, "test": judge(lists, targets)}


def compare(
    dataset: str, data_dir: Path, settings: Settings, peers: list[str], threads: int
) -> dict[str, Any]:
    """Measure ours and each peer, ours first and last: the second run shows the machine's drift."""
    work_dir = PROJECT / ".cache" / "benchmarks" / f"other-libraries-{dataset}"
    work_dir.mkdir(parents=True, exist_ok=True)
    p = embed_items_params(settings)
    sequences = read_sequences(data_dir / dataset)
    histories = leave_one_out(sequences, settings["max_length"], held_out=1)
    targets = histories.items[histories.offsets[1:] - 1]  # (U,)
    write_events(sequences, work_dir)
    shape = {name: settings[name] for name in ("width", "layers", "heads", "max_length")}
    peer_settings = {"epochs": p.training.epochs, "seed": p.seed, "threads": threads}
    write_json(work_dir / "settings.json", shape | peer_settings)
    models: dict[str, Any] = {}
    for name in ("slmrec", *peers, "slmrec again"):
        if name in peers:
            epochs, lists = train_peer(name, work_dir, len(targets))
        else:
            epochs, lists = train_here(histories, sequences.rows, p, work_dir)
        models[name] = summarize(epochs, lists, targets)
        print(name, json.dumps(models[name]), file=sys.stderr, flush=True)
    return models


def times_less(models: dict[str, Any], peers: list[str]) -> dict[str, dict[str, float]]:
    """How many times as long as ours an epoch of each peer takes."""
    ours = models["slmrec"]["per_epoch"]
    return {
        peer: {name: value / ours[name] for name, value in models[peer]["per_epoch"].items()}
        for peer in peers
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = new_parser(__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=["rectools"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for and write the results."""
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    use_deterministic_kernels()
    peers, threads = arguments.peers, arguments.threads
    settings = read_settings(arguments.dataset, arguments.set)
    models = compare(arguments.dataset, arguments.data, settings, peers, threads)
    versions = {"peers": {peer: installed_versions(peer) for peer in peers}}
    measured_with = machine(threads, "torch", "numpy", "accelerate") | versions
    result = {"models": models, "settings": settings, "measured_with": measured_with}
    result["times_less_per_epoch"] = times_less(models, peers)
    epochs = settings["training"]["epochs"]
    write_json(RESULTS / f"other-libraries-{arguments.dataset}-{epochs}-epochs.json", result)


if __name__ == "__main__":
    main()
