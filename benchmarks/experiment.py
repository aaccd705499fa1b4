"""A benchmark set through the stages: one workspace for the tables, one for each model and seed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.arguments import PROJECT
from benchmarks.sequence_logs import write_logs
from benchmarks.workspace import Workspace
from slmrec.core.errors import UsageError
from slmrec.core.files import new_file, read_json

DATASETS = (
    "amazon-beauty-2014",
    "steam-100k",
    "amazon-beauty-classic",
    "amazon-sports-classic",
)


class Experiment:
    """The workspaces of one set, or of a part of it that its settings name.

    Settings are quality_settings/DATASET.yaml: `shared` is laid over params.yaml everywhere, `part`
    over that, then what the teacher or a student changes. With `earlier` each user's last event is
    left out of the logs.
    """

    def __init__(
        self,
        dataset: str,
        data_dir: Path,
        work_dir: Path,
        threads: int,
        part: str | None,
        earlier: bool = False,
    ) -> None:
        self.settings = read_quality_settings(dataset)
        self.changes = {"compute.threads": threads} | self.settings["shared"]
        self.changes |= self.settings[part] if part else {}
        self.name = "-".join(filter(None, (dataset, part, "earlier" if earlier else None)))
        self.root = work_dir.resolve() / self.name
        self.cache_dir = self.root / "cache"
        self.logs = logs_of(dataset, data_dir.resolve(), self.root, earlier)
        self.tables = self.workspace("tables", {}, [])

    def workspace(
        self,
        name: str,
        changes: dict[str, Any],
        linked: Iterable[Path],
        cache_dir: Path | None = None,
    ) -> Workspace:
        """The workspace of that name, its params.yaml changed and artifacts of others linked.

        Its cache is the experiment's, or one of its own.
        """
        changes = self.changes | changes
        return Workspace(self.root / name, self.logs, changes, linked, cache_dir or self.cache_dir)

    def prepare(self) -> None:
        """Logs to histories and neighbours, once for all seeds."""
        for stage in ("prepare", "validate", "split", "neighbours"):
            self.tables.run_stage(stage)

    def sasrec(self, seed: int) -> Workspace:
        """The baseline and its item vectors, with a seed of its own.

        The teacher's ensemble is trained together with the item vectors that the teacher starts
        from.
        """
        changes = {"embed_items.seed": seed}
        if seed == self.teacher_seed:
            changes["embed_items.ensemble_seeds"] = self.settings["teacher"]["ensemble_seeds"]
        linked = self._tables("events", "histories", "champion")
        workspace = self.workspace(f"sasrec-{seed}", changes, linked)
        workspace.run_stage("embed_items")
        return workspace

    @property
    def teacher_seed(self) -> int:
        """The seed of the item vectors that the teacher starts from."""
        return int(self.settings["teacher"]["seed"])

    def teacher(self, sasrec: Workspace) -> Workspace:
        """The one teacher and its outputs at every training position."""
        vectors = [sasrec.artifact("item_vectors"), sasrec.artifact("ensemble")]
        changes = self.settings["teacher"]["changes"]
        linked = [*self._tables("histories", "champion"), *vectors]
        workspace = self.workspace("teacher", changes, linked)
        workspace.run_stage("train_teacher")
        workspace.run_stage("record_states")
        return workspace

    def student(
        self, name: str, seed: int, sasrec: Workspace, teacher: Workspace
    ) -> dict[str, Any]:
        """What metrics/evaluation.json says of one student, SASRec of its seed and the teacher."""
        linked = self._tables("events", "histories", "neighbours", "champion")
        linked.append(sasrec.artifact("item_vectors"))
        linked += map(teacher.artifact, ("ensemble", "teacher", "teacher_states"))
        changes = self.settings["students"][name]["changes"] | {"distill_student.seed": seed}
        workspace = self.workspace(f"{name}-{seed}", changes, linked)
        (workspace.root / "metrics").mkdir(exist_ok=True)
        workspace.run_stage("distill_student")
        # With a cache of its own, where the ranks stay: intervals are computed from them.
        ranking = self.workspace(f"{name}-{seed}", changes, linked, workspace.root / "cache")
        ranking.run_stage("evaluate")
        evaluation: dict[str, Any] = read_json(workspace.root / "metrics" / "evaluation.json")
        return evaluation

    def _tables(self, *names: str) -> list[Path]:
        return [self.tables.artifact(name) for name in names]


def read_quality_settings(dataset: str) -> dict[str, Any]:
    """quality_settings/DATASET.yaml."""
    file = PROJECT / "benchmarks" / "quality_settings" / f"{dataset}.yaml"
    settings: dict[str, Any] = YAML(typ="safe").load(file)
    return settings


def logs_of(dataset: str, data_dir: Path, work_dir: Path, earlier: bool) -> Path:
    """The folder that `prepare` reads; ordered sequences without a clock are given one.

    With `earlier`, each user's last event is left out. Raises UsageError where a set is no file of
    sequences.
    """
    sequences, logs_dir = data_dir / dataset / "sequences.txt", work_dir / "logs"
    if sequences.is_file():
        with new_file(logs_dir / "events.csv") as events:
            write_logs(sequences, events, drop_last=earlier)
        return logs_dir
    if earlier:
        raise UsageError(f"--earlier needs {sequences}: it is for sets of ordered sequences")
    return data_dir / dataset
