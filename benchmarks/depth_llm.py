"""The depth study with a pretrained LLM through all its layers, on busy users.

Run as: python -m benchmarks.depth_llm [DATASET] [--data ../shared/data] [--work FOLDER] [--threads
2]
`make depth-study` at a size that two cores manage: trains all 30 layers of SmolLM2 with the
settings of benchmarks/quality_settings/DATASET.yaml and its part `thirty_layers`, then runs
slmrec.studies.depth on them. Results: benchmarks/results/depth-DATASET.json and .svg.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.arguments import PROJECT, RESULTS, experiment_parser
from benchmarks.experiment import Experiment
from slmrec.core.files import read_json, write_json

ARGUMENTS = ("artifacts/histories", "artifacts/item_vectors", "artifacts/teacher", "reports")


def study(experiment: Experiment) -> Path:
    """Train what has not been trained and study its depth; returns the folder of reports."""
    experiment.prepare()
    vectors = experiment.sasrec(experiment.teacher_seed).artifact("item_vectors")
    changes = experiment.settings["teacher"]["changes"]
    linked = [experiment.tables.artifact(name) for name in ("histories", "champion")]
    linked.append(vectors)
    workspace = experiment.workspace("teacher", changes, linked)
    workspace.run_stage("train_teacher")
    shutil.copyfile(PROJECT / "studies.yaml", workspace.root / "studies.yaml")
    workspace.run_python("-m", "slmrec.studies.depth", *ARGUMENTS)
    return workspace.root / "reports"


def main() -> None:
    """Study, and copy what came out to the results."""
    parser = experiment_parser(__doc__, work="slmrec-quality", threads=2)
    parser.add_argument("dataset", nargs="?", default="amazon-beauty-2014")
    p = parser.parse_args()
    experiment = Experiment(p.dataset, p.data, p.work, p.threads, part="thirty_layers")
    reports_dir = study(experiment)
    settings = {"changes": experiment.changes, "teacher": experiment.settings["teacher"]}
    write_json(
        RESULTS / f"depth-{p.dataset}.json", read_json(reports_dir / "depth.json") | settings
    )
    shutil.copyfile(reports_dir / "depth.svg", RESULTS / f"depth-{p.dataset}.svg")


if __name__ == "__main__":
    main()
