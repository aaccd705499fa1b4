"""What a text prompt before every history is worth to the teacher (E4SRec has one): quality with and without, and the time it takes.

Run as: python -m benchmarks.prompt [NAME] [--data ../shared/data] [--work FOLDER] [--threads 2]
[--prompt TEXT] Two teachers of benchmarks/quality_settings/NAME.yaml, its small part, differ in the
prompt alone. Test NDCG@10 with the difference paired over users; training steps and exported graphs
of both are timed in turn. Results: benchmarks/results/prompt-NAME.json.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch

from benchmarks.cost_llm import exported
from benchmarks.quality import NAMES, RESULTS, Bench, Place
from slmrec.core.files import read_json, write_json
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.bootstrap import interval
from slmrec.evaluation.evaluator import Evaluator
from slmrec.evaluation.timing import sampled_batches, serving_batches, time_in_turn, training_steps
from slmrec.export.graph import export_graph
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.models.serialization import load_model
from slmrec.params.decoder import LoraTuning
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.train_teacher import TrainTeacherParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.ranking.scorers import ModelScorer
from slmrec.runtime.session import open_session
from slmrec.studies.environment import PACKAGES, machine
from slmrec.training.device import use_deterministic_kernels
from slmrec.training.losses.next_item import NextItemLoss

PROMPT = "A customer bought these products, oldest first. Predict the product that the customer buys next:"
COST = MeasureCostParams(seed=1, repeats=3, steps=2, batch=64, users=128)
Found = dict[str, Any]


def teachers(bench: Bench, prompt: str) -> dict[str, Place]:
    """The teacher without a prompt and the one with it, trained where they have not been."""
    vectors = bench.sasrec(bench.settings["teacher"]["seed"]).artifact("item_vectors")
    histories = bench.tables.artifact("histories")
    changes = bench.settings["teacher"]["changes"]
    places = {}
    for name, text in (("without", None), ("with", prompt)):
        places[name] = bench.place(
            f"teacher-{name}-prompt",
            changes | {"train_teacher.backbone.prompt": text},
            [histories, vectors],
        )
        places[name].run("train_teacher", bench.cache)
    return places


def loaded(place: Place) -> LlamaRecommender:
    """The teacher that a place holds."""
    model = load_model(place.artifact("teacher"))
    assert isinstance(model, LlamaRecommender)
    return model


def quality(places: dict[str, Place], histories: Histories, judged: EvaluateParams) -> Found:
    """Validation and test NDCG@10 of both, and the paired 95% interval of the difference."""
    table = loaded(places["without"]).item_embedding
    evaluator = Evaluator(histories, len(table), table.described().numpy(), judged)
    users, found = {}, {}
    for name, place in places.items():
        users[name] = evaluator.per_user(evaluator.rank(ModelScorer(loaded(place), histories)))
        valid = max(
            record["valid_ndcg@10"]
            for record in read_json(place.artifact("teacher") / "curve.json")
        )
        found[name] = {"valid_ndcg@10": valid, "ndcg@10": float(users[name].mean())}
    return {
        **found,
        "with-without": interval(users["with"] - users["without"], evaluator.weights),
    }


def seconds(places: dict[str, Place], histories: Histories, threads: int) -> Found:
    """Seconds of the same training steps and of the same users served as exported, and how much the prompt adds to each."""
    p = TrainTeacherParams.model_validate(places["with"].params["train_teacher"])
    assert p.backbone.kind != "config" and isinstance(p.backbone.tuning, LoraTuning)
    batches, users = (
        sampled_batches(histories, p.training, COST.steps, COST.seed)[0],
        serving_batches(histories, COST),
    )
    training, serving = {}, {}
    for name, place in places.items():
        model = loaded(place)
        graph = export_graph(model, torch.ones(len(model.item_embedding), dtype=torch.bool), 18)
        serving[name] = exported(open_session(graph.SerializeToString(), "cpu", threads), users)
        prepare_layers(model, p.backbone.tuning)
        training[name] = training_steps(model, _loss(model, p, histories), batches, p.training)
    found = {
        what: _medians(time_in_turn(work, COST.repeats))
        for what, work in (("training", training), ("serving_as_exported", serving))
    }
    return {
        what: each | {"with/without": each["with"] / each["without"]}
        for what, each in found.items()
    }


def _loss(model: LlamaRecommender, p: TrainTeacherParams, histories: Histories) -> Any:
    ranking = NextItemLoss(model.item_embedding, p.training.loss, histories)
    return lambda batch: ranking.loss(batch.at_real(model(batch.items)), batch.targets[batch.real])


def _medians(timed: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in timed.items()}


def main() -> None:
    """Train both, measure both, write the JSON."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("name", choices=NAMES, nargs="?", default="amazon-beauty-2014")
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    asked.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slmrec-quality")
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument("--prompt", default=PROMPT)
    given = asked.parse_args()
    torch.set_num_threads(given.threads)
    use_deterministic_kernels()
    bench = Bench(
        given.name, given.data.resolve(), given.work.resolve(), given.threads, part="small"
    )
    os.environ["SLMREC_CACHE"] = str(
        bench.cache
    )  # so that this process finds the LLM which the stages have converted
    bench.prepare()
    places = teachers(bench, given.prompt)
    histories = read_histories(bench.tables.artifact("histories"))
    backbone = TrainTeacherParams.model_validate(places["with"].params["train_teacher"]).backbone
    assert backbone.kind != "config"
    words = open_backbone(backbone).prompt(given.prompt).shape[1]
    result = {
        "prompt": given.prompt,
        "words": words,
        "quality": quality(
            places, histories, EvaluateParams.model_validate(bench.tables.params["evaluate"])
        ),
        "seconds": seconds(places, histories, given.threads),
        "settings": {"changes": bench.changes, "teacher": bench.settings["teacher"]},
        "made_with": machine(given.threads, *PACKAGES),
    }
    write_json(RESULTS / f"prompt-{given.name}.json", result)
    print(result["quality"], result["seconds"])


if __name__ == "__main__":
    main()
