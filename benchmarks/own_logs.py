"""Settings that `slmrec init` alone gives, beside those of experts, on a benchmark set.

Run as: python -m benchmarks.own_logs DATASET [--budget 45m] [--data ../shared/data]
[--work FOLDER] [--threads 2]
DATASET as in benchmarks.quality. The logs are linked, `slmrec init --yes` writes params.yaml, and
every stage runs with it, unedited; a set of ordered sequences becomes a file of events as `init`
advises. Titles are read where the extras `text` and `llm` are installed. The figures stand beside
the student of results/quality-DATASET.json, whose settings people chose on validation, where that
was run. What has run is not run again. Results: results/own-logs-DATASET.json.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.arguments import RESULTS, experiment_parser
from benchmarks.experiment import DATASETS
from benchmarks.workspace import Workspace, read_stages
from slmrec.core.files import new_file, read_json, write_json
from slmrec.studies.environment import PACKAGES, machine

INIT = ("-m", "slmrec.cli", "init", "--yes")


def linked_logs(dataset: str, data_dir: Path, work_dir: Path) -> Path:
    """The folder that `init` looks at; sequences are written as one event a line."""
    sequences, logs_dir = data_dir / dataset / "sequences.txt", work_dir / "logs"
    if not sequences.is_file():
        return data_dir / dataset
    with new_file(logs_dir / "events.csv") as events, events.open("w") as out:
        for line in sequences.read_text().splitlines():
            user, *items = line.split()
            out.writelines(f"{user},{item},{place}\n" for place, item in enumerate(items, 2))
    return logs_dir


def run(root: Path, logs_dir: Path, budget: str | None, threads: int) -> dict[str, float]:
    """Write params.yaml by `init` and run every stage; minutes of each, when it ran, by the clock.

    Only `compute.threads` is set from outside, as it belongs to the machine and not to the logs.
    """
    cache_dir = root / "cache"
    workspace = Workspace(root, logs_dir, {}, [], cache_dir)
    written = root / "params.init.yaml"
    if not written.is_file():
        # Only a budget needs the estimate.
        workspace.run_python(*INIT, *(("--budget", budget) if budget else ("--no-estimate",)))
    changes = {"compute.threads": threads}
    workspace = Workspace(root, logs_dir, changes, [], cache_dir, params_file=written)
    for folder in ("metrics", "reports"):
        (root / folder).mkdir(exist_ok=True)
    minutes_path = root / "minutes.json"
    minutes = read_json(minutes_path) if minutes_path.is_file() else {}
    for stage in read_stages():
        started = time.monotonic()
        if workspace.run_stage(stage):
            minutes[stage] = round((time.monotonic() - started) / 60, 1)
            write_json(minutes_path, minutes)
    return minutes


def result_of(root: Path, dataset: str, minutes: dict[str, float]) -> dict[str, Any]:
    """The figures of a run beside those of the experts' settings."""
    evaluation = read_json(root / "metrics" / "evaluation.json")
    models = {name: _ndcg(measured) for name, measured in evaluation["models"].items()}
    of_experts = experts_figures(RESULTS / f"quality-{dataset}.json")
    params = YAML(typ="safe").load(root / "params.yaml")
    result = {
        "ndcg@10": models,
        "ndcg@10 of experts' settings": of_experts,
        "paired": evaluation["paired"],
        "protocol": evaluation["protocol"],
        "minutes": minutes,
        "settings": params,
        "made_with": machine(params["compute"]["threads"], *PACKAGES),
    }
    if of_experts:
        share = models["student"] / of_experts["student_narrow"]
        result["student by experts' student"] = share
    return result


def experts_figures(results: Path) -> dict[str, float]:
    """NDCG@10 of models that people set up; nothing where nobody did."""
    if not results.is_file():
        return {}
    models = read_json(results)["models"]
    return {name: _ndcg(models[name]) for name in ("sasrec", "student_narrow")}


def _ndcg(measured: dict[str, Any]) -> float:
    return float(measured["full"]["ndcg@10"])


def main() -> None:
    """Run the set and write its results."""
    parser = experiment_parser(__doc__, work="slmrec-own-logs", threads=2)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--budget", help="as slmrec init takes it: 45m")
    p = parser.parse_args()
    root = p.work.resolve() / p.dataset
    root.mkdir(parents=True, exist_ok=True)
    minutes = run(root, linked_logs(p.dataset, p.data.resolve(), root), p.budget, p.threads)
    result = result_of(root, p.dataset, minutes)
    write_json(RESULTS / f"own-logs-{p.dataset}.json", result)
    student = result["ndcg@10"]["student"]
    share = result.get("student by experts' student")
    beside = f", {share:.1%} of what the experts' settings give" if share else ""
    print(f"student {student:.4f}{beside}")


if __name__ == "__main__":
    main()
