"""Quality on public benchmark sets: every stage of the pipeline, three seeds, one pretrained teacher.

Run as: python -m benchmarks.quality NAME [--data ../shared/data] [--work FOLDER] [--threads 2]
[--students ...] [--small] [--earlier] NAME: amazon-beauty-2014, steam-100k, amazon-beauty-classic.
Settings: benchmarks/quality_settings/NAME.yaml, laid over params.yaml. The stages are dvc.yaml's
own commands, run in folders below --work, which must lie outside the project (the logs may not be
copied into it). A stage that has run with the same settings and inputs is not run again, and a
killed training goes on from its checkpoint; to start over after a change of code, remove the work
folder. Results: benchmarks/results/quality-NAME.json.

--earlier is for choosing settings: each user's last event is left out, so "test" figures are of what validates the whole, and of
models that are as far from their training events as in the real test, which a validation target is
not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

from ruamel.yaml import YAML

from slmrec.core.errors import UsageError
from slmrec.core.files import new_file, read_json, write_json
from slmrec.ranking.metrics import SAMPLED
from slmrec.results import as_markdown
from slmrec.studies.environment import PACKAGES, machine

PROJECT = Path(__file__).resolve().parents[1]
RESULTS = PROJECT / "benchmarks" / "results"
NAMES = ("amazon-beauty-2014", "steam-100k", "amazon-beauty-classic")
FIRST_TIME = 1_000_000_000  # of logs that have an order but no clock, epoch seconds
STAGES: dict[str, Any] = YAML(typ="safe").load(PROJECT / "dvc.yaml")["stages"]
Measured = dict[str, Any]


class Place:
    """A folder with params.yaml where some stages run and the artifacts of other places are linked."""

    def __init__(
        self, folder: Path, data: Path, changes: dict[str, Any], linked: Iterable[Path]
    ) -> None:
        self.folder = folder
        (folder / "artifacts" / ".stamps").mkdir(parents=True, exist_ok=True)
        params = YAML(typ="safe").load(PROJECT / "params.yaml")
        for key, value in changes.items():
            _set(params, key, value)
        self.params = params
        with new_file(folder / "params.yaml") as temporary, temporary.open("w") as stream:
            YAML().dump(params, stream)
        for target in [data, *linked]:
            link = folder / ("data" if target == data else f"artifacts/{target.name}")
            ours = link.with_name(
                f".{link.name}-{os.getpid()}"
            )  # another benchmark may be making the same link
            ours.symlink_to(target.resolve())
            ours.replace(link)

    def artifact(self, name: str) -> Path:
        """Where this place keeps an artifact."""
        return self.folder / "artifacts" / name

    def run(self, stage: str, cache: Path) -> None:
        """Run a stage unless it has run with the same parameters and inputs."""
        stamp, now = self.artifact(f".stamps/{stage}"), self._fingerprint(stage)
        outs = [
            _name(out)
            for out in [*STAGES[stage].get("outs", []), *STAGES[stage].get("metrics", [])]
        ]
        if (
            stamp.is_file()
            and stamp.read_text() == now
            and all((self.folder / out).exists() for out in outs)
        ):
            return
        print(f"{self.folder.name}: {stage}", flush=True)
        environment = {
            "PYTHONPATH": str(PROJECT),
            "SLMREC_CACHE": str(cache),
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        command = [sys.executable, *STAGES[stage]["cmd"].split()[2:]]  # past "exec python"
        subprocess.run(command, cwd=self.folder, env=os.environ | environment, check=True)
        stamp.write_text(now)

    def _fingerprint(self, stage: str) -> str:
        """Hash of a stage's parameters and of the fingerprints of its inputs."""
        digest = hashlib.sha256(
            json.dumps(
                [self.params[name] for name in STAGES[stage]["params"]], sort_keys=True
            ).encode()
        )
        for dep in STAGES[stage]["deps"]:
            producer = next(
                (name for name, said in STAGES.items() if dep in map(_name, said.get("outs", []))),
                None,
            )
            if producer is not None:
                stamp = (self.folder / dep).resolve().parent / ".stamps" / producer
                digest.update(stamp.read_bytes() if stamp.is_file() else b"nothing")
        return digest.hexdigest()


def _name(out: str | dict[str, Any]) -> str:
    return out if isinstance(out, str) else next(iter(out))


def _set(params: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    place = params
    for section in sections:
        place = place[section]
    if last not in place:
        raise KeyError(f"params.yaml has no {key}")
    place[last] = value


def logs_of(name: str, data: Path, work: Path, earlier: bool) -> Path:
    """The folder that `prepare` reads; ordered sequences without a clock get one step a second.

    With `earlier`, each user's last event is left out. Raises UsageError where a set is no file of
    sequences.
    """
    sequences = data / name / "sequences.txt"
    if not sequences.is_file():
        if earlier:
            raise UsageError(
                f"--earlier needs {sequences}, which is not there; it is for sets of ordered sequences"
            )
        return data / name
    folder = work / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (
        new_file(folder / "events.csv") as temporary,
        sequences.open() as lines,
        temporary.open("w") as out,
    ):
        out.write("user,item,timestamp\n")
        for line in lines:
            user, *items = line.split()
            kept = items[:-1] if earlier else items
            out.writelines(f"{user},{item},{FIRST_TIME + step}\n" for step, item in enumerate(kept))
    return folder


class Bench:
    """All places of one benchmark set, or of a part of it that its settings name."""

    def __init__(
        self,
        name: str,
        data: Path,
        work: Path,
        threads: int,
        part: str | None,
        earlier: bool = False,
    ) -> None:
        self.settings = YAML(typ="safe").load(
            PROJECT / "benchmarks" / "quality_settings" / f"{name}.yaml"
        )
        self.changes = (
            {"compute.threads": threads}
            | self.settings["shared"]
            | (self.settings[part] if part else {})
        )
        self.work = work / "-".join(
            [name, *([part] if part else []), *(["earlier"] if earlier else [])]
        )
        self.cache = self.work / "cache"
        self.logs = logs_of(name, data, self.work, earlier)
        self.tables = self.place("tables", {}, [])

    def place(self, name: str, changes: dict[str, Any], linked: Iterable[Path]) -> Place:
        return Place(self.work / name, self.logs, self.changes | changes, linked)

    def prepare(self) -> None:
        """Logs to histories, once for all seeds."""
        for stage in ("prepare", "validate", "split"):
            self.tables.run(stage, self.cache)

    def sasrec(self, seed: int) -> Place:
        """The baseline and its item vectors, with a seed of its own."""
        taught = self.settings[
            "teacher"
        ]  # its ensemble is trained beside the item vectors that it starts from
        changes = {"embed_items.seed": seed} | (
            {"embed_items.ensemble_seeds": taught["ensemble_seeds"]}
            if seed == taught["seed"]
            else {}
        )
        place = self.place(f"sasrec-{seed}", changes, self._tables("events", "histories"))
        place.run("embed_items", self.cache)
        return place

    def teacher(self, vectors: Place) -> Place:
        """The one teacher and what it says at every training position."""
        changes = self.settings["teacher"]["changes"]
        linked = [
            *self._tables("histories"),
            vectors.artifact("item_vectors"),
            vectors.artifact("ensemble"),
        ]
        place = self.place("teacher", changes, linked)
        place.run("train_teacher", self.cache)
        place.run("record_states", self.cache)
        return place

    def student(self, name: str, seed: int, vectors: Place, teacher: Place) -> Measured:
        """One student with and without distillation, measured beside SASRec of the same seed and the teacher."""
        taught = [teacher.artifact(out) for out in ("ensemble", "teacher", "teacher_states")]
        changes = self.settings["students"][name]["changes"] | {"distill_student.seed": seed}
        place = self.place(
            f"{name}-{seed}",
            changes,
            [*self._tables("events", "histories"), vectors.artifact("item_vectors"), *taught],
        )
        (place.folder / "metrics").mkdir(exist_ok=True)
        place.run("distill_student", self.cache)
        place.run("evaluate", self.cache)
        return renamed(read_json(place.folder / "metrics" / "evaluation.json"), name)

    def _tables(self, *names: str) -> list[Path]:
        return [self.tables.artifact(name) for name in names]


def renamed(evaluation: Measured, name: str) -> Measured:
    """An evaluation in which the stage's `student` bears the name of its shape."""
    models = {
        key.replace("student", name) if key.startswith("student") else key: model
        for key, model in evaluation["models"].items()
    }
    pairs = {
        "-".join(part.replace("student", name) for part in key.split("-")): pair
        for key, pair in evaluation["paired"].items()
    }
    return {"protocol": evaluation["protocol"], "models": models, "paired": pairs}


def averaged(found: list[Any]) -> Any:
    """Mean of numbers that stand in the same place of nested results; intervals are those of the mean's parts, averaged."""
    first = found[0]
    if isinstance(first, dict):
        return {key: averaged([each[key] for each in found if key in each]) for key in first}
    if isinstance(first, list):
        return [averaged(list(each)) for each in zip(*found, strict=True)]
    return first if isinstance(first, int) else fmean(found)


def summary_of(runs: dict[int, list[Measured]]) -> Measured:
    """Everything in the schema of metrics/evaluation.json, means over seeds, with the seeds' own figures beside it."""
    by_model: dict[str, dict[int, Measured]] = {}
    pairs: dict[str, dict[int, list[float]]] = {}
    for seed, evaluations in runs.items():
        for evaluation in evaluations:
            for name, measured in evaluation["models"].items():
                by_model.setdefault(name, {})[seed] = measured
            for name, pair in evaluation["paired"].items():
                pairs.setdefault(name, {})[seed] = pair
    return {
        "protocol": next(iter(runs.values()))[0]["protocol"],
        "models": {name: averaged(list(seeds.values())) for name, seeds in by_model.items()},
        "paired": {name: averaged(list(seeds.values())) for name, seeds in pairs.items()},
        "ndcg@10_by_seed": {
            name: {str(seed): at["full"]["ndcg@10"] for seed, at in seeds.items()}
            for name, seeds in by_model.items()
        },
        "paired_by_seed": {
            name: {str(seed): pair for seed, pair in seeds.items()} for name, seeds in pairs.items()
        },
    }


def made_with(bench: Bench) -> Measured:
    """What stands beside the figures: settings, machine, versions."""
    settings = {
        "changes": bench.changes,
        "teacher": bench.settings["teacher"],
        "students": bench.settings["students"],
    }
    return {"settings": settings, "made_with": machine(bench.changes["compute.threads"], *PACKAGES)}


def tables_of(result: Measured) -> str:
    """Full ranking, and the paper's protocol in the form of its table (percent), as Markdown."""
    full, paper = [], []
    for name, model in sorted(
        result["models"].items(), key=lambda found: found[1]["full"]["ndcg@10"]
    ):
        seeds = result["ndcg@10_by_seed"][name].values()
        spread = f"{min(seeds):.4f} to {max(seeds):.4f}" if len(set(seeds)) > 1 else ""
        row = {
            "model": name,
            "NDCG@10": f"{model['full']['ndcg@10']:.4f}",
            "over seeds": spread,
            "HR@10": f"{model['full']['hr@10']:.4f}",
        }
        full.append(row | {"parameters": f"{model['parameters']:,}"})
        paper.append(
            {"model": name}
            | {metric.upper(): f"{100 * model['sampled'][metric]:.2f}" for metric in SAMPLED}
        )
    pairs = [
        {"difference of NDCG@10": name, "95%": f"{low:+.4f} to {high:+.4f}"}
        for name, (low, high) in sorted(result["paired"].items())
    ]
    heads = (
        "Full ranking, mean over seeds",
        "The paper's protocol: 1 positive, 999 negatives, %",
        "Paired over users, mean over seeds",
    )
    parts = zip(heads, (full, paper, pairs), strict=True)
    return "\n\n".join(f"{head}\n\n{as_markdown(rows)}" for head, rows in parts) + "\n"


def main() -> None:
    """Run what has not run yet and write the results after every student."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("name", choices=NAMES)
    asked.add_argument("--data", type=Path, default=Path("../shared/data"))
    asked.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "slmrec-quality")
    asked.add_argument("--threads", type=int, default=2)
    asked.add_argument(
        "--students",
        nargs="+",
        default=None,
        help="of the settings' students; all of them unless said otherwise",
    )
    asked.add_argument(
        "--small",
        action="store_true",
        help="busy users only: shows within an hour that everything learns",
    )
    asked.add_argument(
        "--earlier",
        action="store_true",
        help="without each user's last event: to choose settings by",
    )
    p = asked.parse_args()
    bench = Bench(
        p.name, p.data, p.work.resolve(), p.threads, "small" if p.small else None, p.earlier
    )
    bench.prepare()
    teacher = bench.teacher(bench.sasrec(bench.settings["teacher"]["seed"]))
    runs: dict[int, list[Measured]] = {}
    for student in p.students or list(bench.settings["students"]):
        for seed in bench.settings["students"][student]["seeds"]:
            runs.setdefault(seed, []).append(
                bench.student(student, seed, bench.sasrec(seed), teacher)
            )
            result = summary_of(runs) | made_with(bench)
            write_json(RESULTS / f"quality-{bench.work.name}.json", result)
            with new_file(RESULTS / f"quality-{bench.work.name}.md") as temporary:
                temporary.write_text(tables_of(result))
            print(tables_of(result), flush=True)


if __name__ == "__main__":
    main()
