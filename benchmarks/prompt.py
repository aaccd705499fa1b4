"""What a text prompt before every history is worth to the teacher (E4SRec has one), and its cost.

Run as: python -m benchmarks.prompt [DATASET] [--data ../shared/data] [--work FOLDER] [--threads 2]
[--prompt TEXT]
Two teachers of benchmarks/quality_settings/DATASET.yaml, its small part, differ in the prompt
alone. Test NDCG@10 with the difference paired over users; training steps and exported graphs of
both are timed in turn. Results: benchmarks/results/prompt-DATASET.json.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.arguments import RESULTS, experiment_parser
from benchmarks.experiment import DATASETS, Experiment
from benchmarks.serving import serving_in_onnx
from benchmarks.workspace import Workspace
from slmrec.core.files import read_json, write_json
from slmrec.dataset.histories import Histories, read_histories
from slmrec.evaluation.bootstrap import interval
from slmrec.evaluation.evaluator import Evaluator
from slmrec.evaluation.timing import sampled_batches, serving_batches, time_in_turn, training_steps
from slmrec.export.graph import export_graph
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import prepare_layers
from slmrec.models.serialization import load_decoder
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
from slmrec.training.objectives import next_item_objective, weighted_loss

PROMPT = (
    "A customer bought these products, oldest first. "
    "Predict the product that the customer buys next:"
)
OPSET = 18
COST = MeasureCostParams(seed=1, repeats=3, steps=2, batch=64, users=128)
Teachers = dict[str, Workspace]  # with and without a prompt


def train_teachers(experiment: Experiment, prompt: str) -> Teachers:
    """The teacher without a prompt and the one with it, trained where they have not been."""
    vectors = experiment.sasrec(experiment.teacher_seed).artifact("item_vectors")
    linked = [experiment.tables.artifact(name) for name in ("histories", "champion")]
    linked.append(vectors)
    teachers = {}
    for name, text in (("without", None), ("with", prompt)):
        changes = experiment.settings["teacher"]["changes"]
        changes = changes | {"train_teacher.backbone.prompt": text}
        teachers[name] = experiment.workspace(f"teacher-{name}-prompt", changes, linked)
        teachers[name].run_stage("train_teacher")
    return teachers


def load_teacher(workspace: Workspace) -> LlamaRecommender:
    """The teacher that a workspace holds."""
    return load_decoder(workspace.artifact("teacher"))


def quality(teachers: Teachers, histories: Histories, p: EvaluateParams) -> dict[str, Any]:
    """Validation and test NDCG@10 of both, and the paired 95% interval of the difference."""
    embedding = load_teacher(teachers["without"]).item_embedding
    evaluator = Evaluator(histories, len(embedding), embedding.described().numpy(), p)
    ndcg, figures = {}, {}
    for name, workspace in teachers.items():
        ranks = evaluator.rank(ModelScorer(load_teacher(workspace), histories))
        ndcg[name] = evaluator.user_ndcg(ranks)  # (U,)
        curve = read_json(workspace.artifact("teacher") / "curve.json")
        best = max(record["valid_ndcg@10"] for record in curve)
        figures[name] = {"valid_ndcg@10": best, "ndcg@10": float(ndcg[name].mean())}
    difference = interval(ndcg["with"] - ndcg["without"], evaluator.weights)
    return {**figures, "with-without": difference}


def seconds(teachers: Teachers, histories: Histories, threads: int) -> dict[str, Any]:
    """Seconds of the same training steps, and of the same users served as exported."""
    p = TrainTeacherParams.model_validate(teachers["with"].params["train_teacher"])
    assert p.backbone.kind != "config" and isinstance(p.backbone.tuning, LoraTuning)
    batches, _ = sampled_batches(histories, p.training, COST.steps, COST.seed)
    inputs = serving_batches(histories, COST)
    training, serving = {}, {}
    for name, workspace in teachers.items():
        model = load_teacher(workspace)
        candidates = torch.ones(len(model.item_embedding), dtype=torch.bool)
        graph = export_graph(model, candidates, OPSET).SerializeToString()
        serving[name] = serving_in_onnx(open_session(graph, "cpu", threads), inputs)
        prepare_layers(model, p.backbone.tuning)
        next_item_loss = NextItemLoss(model.item_embedding, p.training.loss, histories)
        loss = weighted_loss(next_item_objective(model, next_item_loss), {"ranking": 1.0})
        training[name] = training_steps(model, loss, batches, p.training)
    return {"training": timed(training), "serving_as_exported": timed(serving)}


def timed(tasks: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Median seconds of the task with and without a prompt, and how much the prompt adds."""
    times = time_in_turn(tasks, COST.repeats)
    medians = {name: statistics.median(values) for name, values in times.items()}
    return medians | {"with/without": medians["with"] / medians["without"]}


def count_words(workspace: Workspace, prompt: str) -> int:
    """How many words, as its LLM counts them, the prompt of a workspace's teacher has."""
    backbone = TrainTeacherParams.model_validate(workspace.params["train_teacher"]).backbone
    assert backbone.kind != "config"
    return open_backbone(backbone).prompt(prompt).shape[1]


def measure(experiment: Experiment, prompt: str, threads: int) -> dict[str, Any]:
    """Train both teachers; their quality and their seconds."""
    experiment.prepare()
    teachers = train_teachers(experiment, prompt)
    histories = read_histories(experiment.tables.artifact("histories"))
    evaluate = EvaluateParams.model_validate(experiment.tables.params["evaluate"])
    return {
        "prompt": prompt,
        "words": count_words(teachers["with"], prompt),
        "quality": quality(teachers, histories, evaluate),
        "seconds": seconds(teachers, histories, threads),
        "settings": {"changes": experiment.changes, "teacher": experiment.settings["teacher"]},
        "made_with": machine(threads, *PACKAGES),
    }


def main() -> None:
    """Read the command line, measure, write the JSON."""
    parser = experiment_parser(__doc__, work="slmrec-quality", threads=2)
    parser.add_argument("dataset", choices=DATASETS, nargs="?", default="amazon-beauty-2014")
    parser.add_argument("--prompt", default=PROMPT)
    p = parser.parse_args()
    torch.set_num_threads(p.threads)
    use_deterministic_kernels()
    experiment = Experiment(p.dataset, p.data, p.work, p.threads, part="small")
    # So that this process finds the LLM which the stages have converted.
    os.environ["SLMREC_CACHE"] = str(experiment.cache_dir)
    result = measure(experiment, p.prompt, p.threads)
    write_json(RESULTS / f"prompt-{p.dataset}.json", result)
    print(result["quality"], result["seconds"])


if __name__ == "__main__":
    main()
