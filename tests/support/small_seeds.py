"""Two seeds of the pipeline on tiny logs, run in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks.seed_runs import SeedRun, SeedRuns
from benchmarks.workspace import Workspace, changed_params
from tests.support.project import write_logs
from tests.support.small_pipeline import CHANGES, TRAINING

SECTIONS = ("embed_items", "train_teacher", "distill_student")


@dataclass
class SmallSeeds:
    """Runs of seeds 1 and 2 below a folder, and which stages ran on the way."""

    folder: Path
    done: dict[int, SeedRun] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        write_logs(self.folder / "data", users=40, items=20, length=12)
        self.runs = SeedRuns(self.folder / "data", small_params(self.folder), self.work_dir, 1)

    @property
    def work_dir(self) -> Path:
        return self.folder / "work"

    def run(self, seed: int) -> SeedRun:
        """Run one seed; the stages that ran are added to `ran`."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Workspace, "run_python", self._run_stage)
            self.done[seed] = self.runs.run(seed)
        return self.done[seed]

    @property
    def _run_stage(self) -> object:
        """What stands in for Workspace.run_python."""

        def run(workspace: Workspace, *arguments: str) -> None:
            self.ran.append(f"{workspace.root.name} {arguments[1].rpartition('.')[2]}")
            run_in_process(workspace, *arguments)

        return run


def small_params(folder: Path) -> Path:
    """A params.yaml that trains in seconds on such logs."""
    changes = {key.replace("__", "."): value for key, value in CHANGES.items()}
    changes |= {f"{name}.training.{key}": TRAINING[key] for name in SECTIONS for key in TRAINING}
    changes |= {"validate.min_events": 100, "compute.threads": 1}
    with (folder / "params.yaml").open("w") as stream:
        YAML().dump(changed_params(changes), stream)
    return folder / "params.yaml"


def run_in_process(workspace: Workspace, *arguments: str) -> None:
    """The stage's own main, without the seconds in which a process of its own imports torch."""
    main = import_module(arguments[1]).main
    parameters, paths = signature(main).parameters, list(map(Path, arguments[2:]))
    outputs = [name for name, p in parameters.items() if p.kind is Parameter.KEYWORD_ONLY]
    inputs = len(paths) - len(outputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workspace.root)
        patch.setenv("SLMREC_CACHE", str(workspace.cache_dir))
        main(*paths[:inputs], **dict(zip(outputs, paths[inputs:], strict=True)))
