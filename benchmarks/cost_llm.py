"""Cost of the students, against all 30 layers of SmolLM2-135M as a teacher, in one process.

Run as: python -m benchmarks.cost_llm [--threads 2] [--repeats 3] [--users 256] [--steps 2]
The models: the teacher, a student of its first four layers, a narrow student, SASRec. Histories are
simulated (lengths 2 to 30, 12,000 items): cost does not depend on what the weights are. Every model
trains on the same batches as the quality benchmark trains it (teacher and paper-shaped student
through LoRA, the narrow student in full, both students with recorded states, all against drawn
negatives) and serves the same users; students also as exported. All in fp32. Results:
benchmarks/results/cost-llm.json, times of this machine, all four models measured in turn.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import onnxruntime
import torch

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.cost_llm_models import (
    ITEMS,
    learners,
    new_models,
    simulate_histories,
)
from benchmarks.serving import serving_in_onnx
from slmrec.core.files import write_json
from slmrec.dataset.histories import Histories
from slmrec.evaluation.timing import (
    epoch_seconds,
    serving_batches,
    serving_in_torch,
    time_in_turn,
)
from slmrec.export.graph import export_graph
from slmrec.models.factory import SequenceModel, decoder_parameters
from slmrec.params.measure_cost import MeasureCostParams
from slmrec.params.training import SampledSoftmaxLoss, TrainingParams
from slmrec.runtime.session import open_session
from slmrec.studies.environment import PACKAGES, machine

OPSET = 18
SMALL = ("student", "student_narrow", "sasrec")  # those that are exported and compared
TRAINING = TrainingParams(
    epochs=1,
    positions_per_batch=1600,
    learning_rate=1e-4,
    warmup_steps=0,
    weight_decay=0.0,
    clip_norm=1.0,
    unknown_rate=0.0,
    loss=SampledSoftmaxLoss(kind="sampled_softmax", negatives=2048, uniform_share=0.5, rows="all"),
    patience=1,
    validation_targets=1,
    checkpoint_seconds=60,
)


def users_per_second(
    models: dict[str, SequenceModel], histories: Histories, p: MeasureCostParams, threads: int
) -> dict[str, float]:
    """Users served a second: each model in torch, the small ones also as exported."""
    batches = serving_batches(histories, p)
    tasks = {name: serving_in_torch(model, batches) for name, model in models.items()}
    candidates = torch.ones(ITEMS, dtype=torch.bool)
    for name in SMALL:
        graph = export_graph(models[name], candidates, OPSET).SerializeToString()
        tasks[f"{name}_onnx"] = serving_in_onnx(open_session(graph, "cpu", threads), batches)
    seconds = time_in_turn(tasks, p.repeats)
    return {name: p.users / statistics.median(times) for name, times in seconds.items()}


def measure(p: MeasureCostParams, threads: int) -> dict[str, Any]:
    """Parameters, epochs and serving of each model, and the small ones against the teacher."""
    histories, models = simulate_histories(), new_models()
    parameters = {name: decoder_parameters(model) for name, model in models.items()}
    served = users_per_second(models, histories, p, threads)
    epochs = epoch_seconds(learners(models, histories, TRAINING.loss), histories, TRAINING, p)
    figures: dict[str, Any] = {name: {"users_per_second": speed} for name, speed in served.items()}
    for name in models:
        figures[name] |= {"parameters": parameters[name], "epoch_seconds": epochs[name]}
    return figures | {"against_the_teacher": against_the_teacher(figures)}


def against_the_teacher(figures: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Each small model's parameters as a share of the teacher's, and how many times as fast."""
    teacher = figures["teacher"]
    return {
        name: {
            "parameters": figures[name]["parameters"] / teacher["parameters"],
            "epochs_faster": teacher["epoch_seconds"] / figures[name]["epoch_seconds"],
            "served_faster_as_exported": figures[f"{name}_onnx"]["users_per_second"]
            / teacher["users_per_second"],
        }
        for name in SMALL
    }


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = new_parser(__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--users", type=int, default=256)
    parser.add_argument("--steps", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Measure, compare with the teacher, write the JSON."""
    arguments = read_arguments()
    torch.set_num_threads(arguments.threads)
    asked = {name: getattr(arguments, name) for name in ("repeats", "users", "steps")}
    result = measure(MeasureCostParams(seed=1, batch=128, **asked), arguments.threads)
    versions = {"onnxruntime": onnxruntime.__version__}
    result["made_with"] = machine(arguments.threads, *PACKAGES, "onnx") | asked | versions
    write_json(RESULTS / "cost-llm.json", result)
    for name, factors in result["against_the_teacher"].items():
        print(name, {factor: round(value, 3) for factor, value in factors.items()})


if __name__ == "__main__":
    main()
