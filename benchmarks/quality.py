"""Quality on public benchmark sets: every stage, three seeds, one pretrained teacher.

Run as: python -m benchmarks.quality DATASET [--data ../shared/data] [--work FOLDER] [--threads 2]
[--students ...] [--small] [--earlier]
DATASET: amazon-beauty-2014, steam-100k, amazon-beauty-classic, amazon-sports-classic. Settings:
benchmarks/quality_settings/DATASET.yaml, laid over params.yaml. The stages are dvc.yaml's own
commands, run in folders below --work, which must lie outside the project (the logs may not be
copied into it). A stage that has run with the same settings and inputs is not run again, and a
killed training goes on from its checkpoint; to start over after a change of code, remove the work
folder. Results: benchmarks/results/quality-DATASET.json and .md.

--earlier is for choosing settings. It leaves each user's last event out, so that the "test" figures
come from the events that validate in the whole logs. Models are then as far from their training
events as in the real test, which they are not from a validation target.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from benchmarks.arguments import RESULTS, experiment_parser
from benchmarks.experiment import DATASETS, Experiment
from benchmarks.quality_report import Evaluation, renamed, report, summarize
from benchmarks.seed_runs import Measured, SeedRun, add_run
from slmrec.core.files import new_file, write_json
from slmrec.evaluation.bootstrap import bootstrap_weights
from slmrec.evaluation.seeds import paired_seed_reports, report_of_seeds
from slmrec.params.evaluate import EvaluateParams
from slmrec.studies.environment import PACKAGES, machine

FLAGS = {
    "--small": "busy users only: shows within an hour that everything learns",
    "--earlier": "without each user's last event: to choose settings by",
}


def measure(experiment: Experiment, students: list[str]) -> None:
    """Run what has not run yet; write the results after every student."""
    experiment.prepare()
    teacher = experiment.teacher(experiment.sasrec(experiment.teacher_seed))
    evaluations: dict[int, list[Evaluation]] = {}
    measured: Measured = {}
    for student in students:
        for seed in experiment.settings["students"][student]["seeds"]:
            evaluation = experiment.student(student, seed, experiment.sasrec(seed), teacher)
            evaluations.setdefault(seed, []).append(renamed(evaluation, student))
            add_run(measured, SeedRun(experiment.root / f"{student}-{seed}"), student, seed)
            result = summarize(evaluations) | provenance(experiment)
            write_result(
                experiment.name, result | over_seeds(measured, result["paired"], experiment)
            )


def over_seeds(measured: Measured, paired: Iterable[str], experiment: Experiment) -> Evaluation:
    """`combined`: intervals over test users and seeds, of models and of the differences named."""
    p = EvaluateParams.model_validate(experiment.tables.params["evaluate"])
    users = len(next(iter(next(iter(measured.values())).values())))
    weights = bootstrap_weights(users, p.bootstrap, p.seed)
    pairs = {f"{left}-{right}": (left, right) for left, right in (n.split("-") for n in paired)}
    models = {name: report_of_seeds(seeds, weights, p.seed) for name, seeds in measured.items()}
    differences = paired_seed_reports(measured, pairs, weights, p.seed)
    return {"combined": {"models": models, "paired": differences}}


def provenance(experiment: Experiment) -> dict[str, Any]:
    """The settings, the machine and the versions that a result was made with."""
    return {
        "settings": {
            "changes": experiment.changes,
            "teacher": experiment.settings["teacher"],
            "students": experiment.settings["students"],
        },
        "made_with": machine(experiment.changes["compute.threads"], *PACKAGES),
    }


def write_result(name: str, result: dict[str, Any]) -> None:
    """Write results/quality-NAME.json and .md, and print the latter."""
    write_json(RESULTS / f"quality-{name}.json", result)
    with new_file(RESULTS / f"quality-{name}.md") as temporary:
        temporary.write_text(report(result))
    print(report(result), flush=True)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = experiment_parser(__doc__, work="slmrec-quality", threads=2)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--students", nargs="+", help="of the settings' students; default: all")
    for flag, text in FLAGS.items():
        parser.add_argument(flag, action="store_true", help=text)
    return parser.parse_args()


def main() -> None:
    """Measure the students that were asked for."""
    p = read_arguments()
    part = "small" if p.small else None
    experiment = Experiment(p.dataset, p.data, p.work, p.threads, part, p.earlier)
    measure(experiment, p.students or list(experiment.settings["students"]))


if __name__ == "__main__":
    main()
