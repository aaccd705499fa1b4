"""The pipeline once a seed: what draws from a seed in a folder of its own, the rest once for all.

Which stages those are is read from dvc.yaml: all that `evaluate` needs, and it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workspace import Workspace, changed_params, outs, read_stages
from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import read_json
from slmrec.dataset.histories import read_histories
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.metrics import gains, user_means

Measured = dict[str, dict[int, np.ndarray]]  # NDCG@10 of each test user (U,), by model and seed

TRAININGS = ("embed_items", "train_teacher", "distill_student")  # sections whose seeds are changed
LAST = "evaluate"
STEP = 1000  # from one run's seeds to the next one's: no run draws what another drew


class SeedRuns:
    """The workspaces of one set of logs: `shared`, and one for each seed."""

    def __init__(self, logs: Path, params_file: Path, work_dir: Path, threads: int | None) -> None:
        self.logs = logs.resolve()
        self.params_file = params_file
        self.root = work_dir.resolve()
        self.changes = {} if threads is None else {"compute.threads": threads}
        self.params = changed_params(self.changes, params_file)
        self.evaluate = EvaluateParams.model_validate(self.params["evaluate"])

    def run(self, seed: int) -> SeedRun:
        """Run what has not run yet of one seed."""
        stages = upstream(LAST)
        shared = self._workspace("shared", {}, [], self.root / "cache")
        for stage in stages:
            if not draws_from_a_seed(stage):
                shared.run_stage(stage)
        linked = [
            shared.root / out for stage in stages if not draws_from_a_seed(stage)
            for out in outs(stage)
        ]  # fmt: skip
        return self._run_seeded(f"seed-{seed}", seeds_of_run(self.params, seed), linked)

    def _run_seeded(self, name: str, changes: dict[str, Any], linked: list[Path]) -> SeedRun:
        trained = self._workspace(name, changes, linked, self.root / "cache")
        # Intervals are computed from the ranks that `evaluate` caches: they are kept where no other
        # seed's run forgets them.
        evaluated = self._workspace(name, changes, linked, self.root / name / "cache")
        for stage in filter(draws_from_a_seed, upstream(LAST)):
            (evaluated if stage == LAST else trained).run_stage(stage)
        return SeedRun(evaluated.root)

    def _workspace(
        self, name: str, changes: dict[str, Any], linked: Iterable[Path], cache_dir: Path
    ) -> Workspace:
        return Workspace(
            self.root / name, self.logs, self.changes | changes, linked, cache_dir, self.params_file
        )


class SeedRun:
    """One complete run below `root`: what `evaluate` wrote, and the NDCG@10 of each test user.

    `evaluate` ran with root/cache, where its ranks still lie.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        evaluation = read_json(root / "metrics" / "evaluation.json")
        self.evaluation: dict[str, Any] = evaluation

    def user_ndcg(self) -> dict[str, np.ndarray]:
        """NDCG@10 of each test user (U,), by model.

        Raises DataError where the ranks that `evaluate` cached are not there for every model.
        """
        ranks_dir = self.root / "cache" / "checkpoints" / "evaluate"
        saved = {path.stem.rpartition("-")[0]: Checkpoint(path) for path in ranks_dir.glob("*")}
        ranks = {
            name: found[0]["full"].numpy() for name, at in saved.items() if (found := at.load())
        }
        if set(ranks) != set(self.evaluation["models"]):
            raise DataError(
                f"{ranks_dir} holds the ranks of {sorted(ranks)}, but evaluation.json names "
                f"{sorted(self.evaluation['models'])}; remove {self.root / 'metrics'}, then the "
                "command ranks what is missing"
            )
        rows = read_histories(self.root / "artifacts" / "histories").targets["test"].row
        return {name: user_means(gains(full, "ndcg@10"), rows) for name, full in ranks.items()}


def add_run(measured: Measured, run: SeedRun, student: str, seed: int) -> None:
    """Add what a run measured, its `student` under the name of its shape; what is there stays."""
    for name, ndcg in run.user_ndcg().items():
        measured.setdefault(name.replace("student", student), {}).setdefault(seed, ndcg)


def upstream(stage: str) -> list[str]:
    """The stages that `stage` reads from, however far back, producers first, and itself."""
    stages = read_stages()
    producers = [
        producer
        for dep in stages[stage]["deps"]
        for producer in stages
        if dep in outs(producer)
    ]  # fmt: skip
    before = [name for producer in producers for name in upstream(producer)]
    return list(dict.fromkeys([*before, stage]))


def draws_from_a_seed(stage: str) -> bool:
    """Whether a training is among the stages that make this one's outputs."""
    stages = read_stages()
    return any(
        section in TRAININGS for name in upstream(stage) for section in stages[name]["params"]
    )


def seeds_of_run(params: dict[str, Any], seed: int) -> dict[str, Any]:
    """The changes that give every training seeds of its own; run 1 has those of `params`."""
    return {
        f"{section}.{key}": shifted(value, key, STEP * (seed - 1))
        for section in TRAININGS
        for key, value in params[section].items()
    }


def shifted(value: Any, key: str, by: int) -> Any:
    """`value`, in which what is called `seed` or `..._seeds`, however deep, is `by` greater."""
    if isinstance(value, dict):
        return {name: shifted(inner, name, by) for name, inner in value.items()}
    if isinstance(value, list):
        return [shifted(inner, key.removesuffix("s"), by) for inner in value]
    is_seed = key == "seed" or key.endswith("_seed")
    return value + by if is_seed and isinstance(value, int) else value
