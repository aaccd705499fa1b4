"""The stages in dvc.yaml's order, and how one is run: by DVC, in a process group of its own."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from flows.budget import Budget
from flows.processes import ended_after, process_group
from slmrec.core.errors import BusyError

# Exit codes of subprocess and of a shell after SIGKILL, which also comes when memory runs out.
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
# What DVC says of a stage that it passes over.
UNCHANGED = re.compile(r"Stage '[^']+' (?:didn't change, skipping|is cached.*)")
DVC_BUSY = "is busy"  # in DVC's message when another `dvc repro` holds the stage


class StageError(RuntimeError):
    """A stage ended with an error; `code` is the stage's own exit code, which DVC hides."""

    def __init__(self, stage: str, code: int, reason: str) -> None:
        super().__init__(f"{stage} ended with {code}: {reason}")
        self.stage, self.code = stage, code

    @property
    def worth_retrying(self) -> bool:
        """Whether another try may succeed: the lock was held or the process was killed."""
        return self.code in (BusyError.exit_code, *KILLED)


def stage_order(project: Path) -> list[str]:
    """The names of dvc.yaml's stages, each after those it depends on; DVC itself reads the file."""
    import networkx
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    with Repo(str(project)) as repo:
        stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
        graph = repo.index.graph.reverse(copy=True).subgraph(stages)
        # Where the dependencies leave a choice, the order of the file decides.
        return [
            stage.name
            for stage in networkx.lexicographical_topological_sort(graph, key=stages.index)
        ]


def stage_making(project: Path, output: Path) -> str | None:
    """The stage of dvc.yaml that has this output, a path below the project; None where none has."""
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    with Repo(str(project)) as repo:
        for stage in repo.index.stages:
            if isinstance(stage, PipelineStage) and any(
                out.def_path == output.as_posix() for out in stage.outs
            ):
                return str(stage.name)
    return None


def reproduce_stage(
    stage: str, project: Path, log: Callable[[str], None], budget: Budget | None = None
) -> bool:
    """Let DVC run `stage` if it is stale, logging each line it prints; whether it was stale.

    Raises StageError, and BudgetError where the budget was spent first.
    """
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        log(line)

    run_module("dvc", ["repro", "--single-item", stage], stage, project, note, budget)
    return not any(UNCHANGED.fullmatch(line) for line in lines)


def run_module(
    module: str,
    arguments: list[str],
    name: str,
    project: Path,
    log: Callable[[str], None],
    budget: Budget | None = None,
) -> None:
    """Run `python -m module arguments` in `project`.

    Raises StageError with the reason it gave, and BudgetError where the budget was spent first.
    """
    lines: list[str] = []
    seconds = budget.seconds_left() if budget else None
    with (
        process_group(module, arguments, project, subprocess.PIPE) as process,
        ended_after(process, seconds) as ended,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if text := line.rstrip():
                log(text)
                lines.append(text)
        code = process.wait()
    if code and budget and ended.is_set():
        raise budget.spent_in(name)
    if code:
        raise StageError(name, _stage_code(code, lines), _reason(name, lines))


def _stage_code(code: int, lines: list[str]) -> int:
    """The stage's exit code, from DVC's message; DVC's own exit code is always 255."""
    codes = [match[1] for line in lines if (match := re.search(r"exited with (-?\d+)", line))]
    if codes:
        return int(codes[-1])
    return BusyError.exit_code if any(DVC_BUSY in line for line in lines) else code


def _reason(name: str, lines: list[str]) -> str:
    """The stage's own error message, the first check that failed, or else the last line."""
    prefix = f"{name}: "
    own = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
    failed = [" ".join(line.split()[1:]) for line in lines if line.startswith("FAIL")]
    return next(iter(own or failed or lines[-1:]), "it said nothing")
