"""Every model over several seeds, with intervals that combine test users and seeds.

Run as: python -m benchmarks.seeds LOGS --seeds 1 2 3 4 5 --out benchmarks/results/seeds-NAME.json
[--params params.yaml] [--work FOLDER] [--threads N]
LOGS: a project with params.yaml and data/, or a folder of logs alone, for which --params or this
project's own params.yaml holds. Preparation and split run once; SASRec, teacher, recorded states,
students and evaluation once a seed, in folders below --work, as dvc.yaml's own commands. Seed 1 is
the run that params.yaml describes; each further one adds 1,000 to every seed of a training. What
has run with the same settings and inputs is not run again, and a killed training goes on from its
checkpoint; to start over after a change of code, remove the work folder. The result is written
after every seed: OUT, and a page in Markdown beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.arguments import new_parser
from benchmarks.quality_report import averaged, full_row
from benchmarks.seed_runs import SeedRun, SeedRuns
from benchmarks.workspace import PARAMS
from slmrec.core.errors import SlmrecError, UsageError
from slmrec.core.files import new_file, sha256_of_folder, write_json
from slmrec.evaluation.bootstrap import bootstrap_weights
from slmrec.evaluation.evaluator import PAIRS
from slmrec.evaluation.seeds import PerSeed, paired_seed_reports, report_of_seeds
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.params_file import read_params
from slmrec.results import as_markdown
from slmrec.studies.environment import PACKAGES, machine

Result = dict[str, Any]
Runs = dict[int, SeedRun]


def summarize(runs: Runs, p: EvaluateParams) -> Result:
    """Means over seeds in the schema of metrics/evaluation.json, with each seed's figures.

    `ci95` combines test users and seeds; a paired difference says over how many seeds it is.
    """
    models = _by_model({seed: run.user_ndcg() for seed, run in runs.items()})
    users = len(next(iter(next(iter(models.values())).values())))
    weights = bootstrap_weights(users, p.bootstrap, p.seed)
    pairs = {f"{left}-{right}": (left, right) for left, right in PAIRS}
    return {
        "protocol": next(iter(runs.values())).evaluation["protocol"],
        "models": {
            name: _measured(name, runs) | _intervals(report_of_seeds(per_seed, weights, p.seed))
            for name, per_seed in models.items()
        },
        "paired": paired_seed_reports(models, pairs, weights, p.seed),
    }


def _by_model(runs: dict[int, dict[str, Any]]) -> dict[str, PerSeed]:
    names = dict.fromkeys(name for models in runs.values() for name in models)
    return {
        name: {seed: models[name] for seed, models in runs.items() if name in models}
        for name in sorted(names)
    }


def _measured(name: str, runs: Runs) -> Result:
    """One model's MEASURED, the mean over the seeds that have it."""
    evaluations = [run.evaluation["models"] for run in runs.values()]
    mean: Result = averaged([models[name] for models in evaluations if name in models])
    return mean


def _intervals(report: Result) -> Result:
    by_seed = {"ndcg@10": report["by_seed"]}
    return {"ci95": {"ndcg@10": report["ci95"]}, "by_seed": by_seed, "seeds": report["seeds"]}


def page(result: Result) -> str:
    """Models, worst first, and differences as Markdown."""
    models = sorted(result["models"].items(), key=lambda entry: entry[1]["full"]["ndcg@10"])
    tables = {
        "Full ranking, mean over seeds; 95% over test users and seeds": [
            _model_row(*entry) for entry in models
        ],
        "Differences of NDCG@10, paired over test users and seeds": [
            _pair_row(*entry) for entry in sorted(result["paired"].items())
        ],
    }
    return "\n\n".join(f"{head}\n\n{as_markdown(rows)}" for head, rows in tables.items()) + "\n"


def _model_row(name: str, model: Result) -> dict[str, str]:
    low, high = model["ci95"]["ndcg@10"]
    row = full_row(name, model, list(model["by_seed"]["ndcg@10"].values()))
    return row | {"95%": f"{low:.4f} to {high:.4f}", "seeds": str(model["seeds"])}


def _pair_row(name: str, report: Result) -> dict[str, str]:
    low, high = report["ci95"]
    values = report["by_seed"].values()
    return {
        "difference": name,
        "mean": f"{report['mean']:+.4f}",
        "over seeds": f"{min(values):+.4f} to {max(values):+.4f}",
        "95%": f"{low:+.4f} to {high:+.4f}",
        "seeds": str(report["seeds"]),
    }


def measure(runs: SeedRuns, seeds: list[int], out: Path) -> None:
    """Run every seed; write the result after each."""
    done: Runs = {}
    for seed in seeds:
        done[seed] = runs.run(seed)
        result = summarize(done, runs.evaluate) | provenance(runs)
        write_json(out, result)
        with new_file(out.with_suffix(".md")) as temporary:
            temporary.write_text(page(result))
        print(page(result), flush=True)


def provenance(runs: SeedRuns) -> Result:
    """The logs, the settings, the machine and the versions that a result was made with."""
    return {
        "logs_sha256": sha256_of_folder(runs.logs, "*"),
        "settings": runs.params,
        "made_with": machine(runs.params["compute"]["threads"], *PACKAGES),
    }


def logs_and_params(place: Path, params_file: Path | None) -> tuple[Path, Path]:
    """The folder of logs and the params of `place`: a project, or a folder of logs alone.

    Raises UsageError where there are no logs.
    """
    is_project = (place / "params.yaml").is_file()
    logs = place / "data" if is_project else place
    if not logs.is_dir() or not any(logs.iterdir()):
        raise UsageError(f"{logs} holds no logs; name a folder of logs, or a project with data/")
    return logs, params_file or (place / "params.yaml" if is_project else PARAMS)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = new_parser(__doc__)
    parser.add_argument("logs", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--params", type=Path)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slmrec-seeds")
    parser.add_argument("--threads", type=int, help="instead of the params' compute.threads")
    return parser.parse_args()


def main() -> None:
    """Measure the seeds that were asked for; exits with the error's code."""
    p = read_arguments()
    try:
        if min(p.seeds) < 1 or len(set(p.seeds)) < len(p.seeds):
            raise UsageError(f"--seeds are {p.seeds}; name each once, from 1 on")
        logs, params_file = logs_and_params(p.logs, p.params)
        read_params(params_file)
        measure(SeedRuns(logs, params_file, p.work / p.out.stem, p.threads), p.seeds, p.out)
    except SlmrecError as error:
        print(f"seeds: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)  # the stage has said what it saw


if __name__ == "__main__":
    main()
