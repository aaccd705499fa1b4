"""Models of other libraries with their authors' settings, beside ours: quality and cost.

Run as: python -m benchmarks.peer_quality DATASET [--peers esasrec hstu] [--seeds 1 2 3] [--threads
1] [--data ../shared/data] [--work FOLDER]
DATASET is a leave-one-out set of benchmarks.quality. Peers are trained on the events of its own
tables, to their end, with peer_settings.yaml, in the virtual environment .cache/peers/rectools,
made beforehand with rectools[torch]; the same test targets are ranked among all items, those of the
input left out, ties against the model. Our SASRec is trained beside them, with the same threads.
What benchmarks.quality has evaluated in the same --work is compared too. A run that is complete is
not run again. Results: benchmarks/results/peers-DATASET.json and .md.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from benchmarks.arguments import PROJECT, RESULTS, experiment_parser
from benchmarks.experiment import Experiment
from benchmarks.peer_lists import ranks_in_lists, write_training_events
from benchmarks.peer_runs import installed_versions, peer_python
from benchmarks.quality_report import combined_row
from benchmarks.seed_runs import Measured, SeedRun, add_run
from benchmarks.settings import merged
from benchmarks.stopwatch import Stopwatch
from slmrec.core.files import new_file, read_json, write_json
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.bootstrap import bootstrap_weights
from slmrec.evaluation.contestants import load_models
from slmrec.evaluation.evaluator import Evaluator
from slmrec.evaluation.seeds import paired_seed_reports, report_of_seeds
from slmrec.models.serialization import load_model
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.metrics import gains, user_means
from slmrec.results import as_markdown
from slmrec.studies.environment import PACKAGES, machine

PEERS = ("esasrec", "hstu")
Cost = dict[str, float]


class PeerQuality:
    """The runs of one set, below the folder `peers` of its experiment."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.folder = experiment.root / "peers"
        self.histories: Histories = read_histories(experiment.tables.artifact("histories"))
        self.p = EvaluateParams.model_validate(experiment.tables.params["evaluate"])
        self.threads = int(experiment.changes["compute.threads"])
        self.costs: dict[str, dict[int, Cost]] = {}
        self.measured: Measured = {}
        write_training_events(self.histories, self.folder / "train.csv")

    def run_peer(self, peer: str, settings: dict[str, Any], seed: int) -> None:
        """Train a peer with one seed unless that is done, and rank its lists."""
        name = self.folder / f"{peer}-{seed}"
        task, lists, done = (name.with_suffix(end) for end in (".task", ".csv", ".json"))
        wanted = settings | {"peer": peer, "seed": seed, "threads": self.threads}
        if not (done.is_file() and read_json(task) == wanted):
            write_json(task, wanted)
            words = ["benchmarks.peers.rectools_transformers", self.folder / "train.csv", task]
            command = [str(peer_python("rectools")), "-m", *map(str, [*words, lists])]
            printed, cost = timed(lambda: _output(command, self.folder))
            write_json(done, cost | json.loads(printed.splitlines()[-1]))
        targets = self.histories.targets["test"]
        ranks = ranks_in_lists(self.histories, targets, lists)
        self._keep(peer, seed, user_means(gains(ranks, "ndcg@10"), targets.row), read_json(done))

    def run_sasrec(self, seed: int) -> None:
        """Train our SASRec with one seed, from its start to its end, unless that is done."""
        root, linked = self.folder / f"sasrec-{seed}", ("events", "histories", "champion")
        done = root / "cost.json"
        if not done.is_file():
            shutil.rmtree(root, ignore_errors=True)  # what was interrupted has no time
        changes = {"embed_items.seed": seed, "embed_items.ensemble_seeds": []}
        workspace = self.experiment.workspace(
            f"peers/{root.name}", changes, map(self.experiment.tables.artifact, linked),
            root / "cache",
        )  # fmt: skip
        vectors = workspace.artifact("item_vectors")
        if not done.is_file():
            _, cost = timed(lambda: workspace.run_stage("embed_items"))
            curve = read_json(vectors / "sasrec" / "curve.json")
            write_json(done, cost | {"epochs": len(curve)})
        self._keep("sasrec", seed, self._rank(vectors / "sasrec"), read_json(done))

    def _rank(self, model_dir: Path) -> np.ndarray:
        """NDCG@10 of each test user with a model of ours.  # (U,)"""
        embedding = load_model(model_dir).item_embedding
        described = embedding.described().numpy()
        evaluator = Evaluator(self.histories, len(embedding), described, self.p)
        scorer = load_models({"model": model_dir}, self.histories)["model"].scorer
        return evaluator.user_ndcg(evaluator.rank(scorer))

    def read_evaluated(self, seeds: list[int]) -> None:
        """Add every model that benchmarks.quality has evaluated with one of these seeds."""
        for path in sorted(self.experiment.root.glob("*-*/metrics/evaluation.json")):
            student, _, seed = path.parents[1].name.rpartition("-")
            if seed in map(str, seeds):
                add_run(self.measured, SeedRun(path.parents[1]), student, int(seed))

    def _keep(self, name: str, seed: int, ndcg: np.ndarray, cost: Cost) -> None:
        self.measured.setdefault(name, {})[seed] = ndcg
        per_epoch = {"processor_seconds_per_epoch": cost["processor_seconds"] / cost["epochs"]}
        self.costs.setdefault(name, {})[seed] = cost | per_epoch

    def result(self, peers: list[str]) -> dict[str, Any]:
        """Quality and cost of every model, and paired differences with every peer."""
        weights = bootstrap_weights(
            len(np.unique(self.histories.targets["test"].row)), self.p.bootstrap, self.p.seed
        )
        others = [name for name in self.measured if name not in peers]
        pairs = {f"{name}-{peer}": (name, peer) for peer in peers for name in others}
        return {
            "ndcg@10": {
                name: report_of_seeds(per_seed, weights, self.p.seed)
                for name, per_seed in self.measured.items()
            },
            "paired": paired_seed_reports(self.measured, pairs, weights, self.p.seed),
            "cost": {name: mean_cost(list(seeds.values())) for name, seeds in self.costs.items()},
        }


def timed(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """What `work` returns, its seconds, and the processor seconds of the processes it started."""
    before, stopwatch = _children(), Stopwatch()
    returned = work()
    seconds = stopwatch.read()["seconds"]
    return returned, {"seconds": seconds, "processor_seconds": _children() - before}


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _output(command: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment
    ).stdout


def mean_cost(costs: list[Cost]) -> Cost:
    """The mean over seeds of every figure that all of them have."""
    return {name: fmean(cost[name] for cost in costs) for name in costs[0]}


def peer_settings(peer: str, dataset: str) -> dict[str, Any]:
    """A peer's settings for a set."""
    sections = YAML(typ="safe").load(PROJECT / "benchmarks" / "peer_settings.yaml")[peer]
    return merged(sections["every"], sections.get(dataset, {}))


def page(result: dict[str, Any]) -> str:
    """NDCG@10 of the models, worst first, their cost, and paired differences as Markdown."""
    models = sorted(result["ndcg@10"].items(), key=lambda entry: entry[1]["mean"])
    pairs = sorted(result["paired"].items())
    tables = [
        [_model_row(name, model, result["cost"].get(name)) for name, model in models],
        [{"difference": name} | combined_row(pair, "+.4f") for name, pair in pairs],
    ]
    return "\n\n".join(as_markdown(rows) for rows in tables if rows) + "\n"


def _model_row(name: str, model: dict[str, Any], cost: Cost | None) -> dict[str, str]:
    figures = ("processor_seconds_per_epoch", "epochs", "processor_seconds", "seconds")
    costs = {key.replace("_", " "): f"{cost[key]:,.0f}" if cost else "" for key in figures}
    return {"model": name} | combined_row(model, ".4f") | costs


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = experiment_parser(__doc__, work="slmrec-quality", threads=1)
    parser.add_argument("dataset")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    return parser.parse_args()


def main() -> None:
    """Run what has not run yet; write the result after every seed."""
    p = read_arguments()
    torch.set_num_threads(p.threads)
    experiment = Experiment(p.dataset, p.data, p.work, p.threads, part=None)
    experiment.prepare()
    quality = PeerQuality(experiment)
    settings = {peer: peer_settings(peer, p.dataset) for peer in p.peers}
    quality.read_evaluated(p.seeds)
    for seed in p.seeds:
        quality.run_sasrec(seed)
        for peer in p.peers:
            quality.run_peer(peer, settings[peer], seed)
        made_with = machine(p.threads, *PACKAGES) | {"peer": installed_versions("rectools")}
        result = quality.result(p.peers) | {"settings": settings, "made_with": made_with}
        write_json(RESULTS / f"peers-{p.dataset}.json", result)
        with new_file(RESULTS / f"peers-{p.dataset}.md") as temporary:
            temporary.write_text(page(result))
        print(page(result), flush=True)


if __name__ == "__main__":
    main()
