"""Which stages there are, in which order, and how one is run: by DVC, as a subprocess in its own process group."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from flows.processes import process_group

# An exit code of the shell or of subprocess that says "killed from outside": memory, a signal, a
# lost machine.
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


DVC_BUSY = "is busy"


BUSY = 5


class StageError(RuntimeError):
    """A stage ended with an error; `code` is the stage's own exit code, which DVC does not pass on."""

    def __init__(self, stage: str, code: int, reason: str) -> None:
        super().__init__(f"{stage} ended with {code}: {reason}")
        self.code = code

    @property
    def worth_retrying(self) -> bool:
        """Only what another moment may cure: somebody held the lock, or the process was killed. Bad logs stay bad."""
        return self.code in (BUSY, *KILLED)


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


def reproduce_stage(stage: str, project: Path, say: Callable[[str], None]) -> None:
    """Let DVC run `stage` if it is stale, passing on each line it prints. Raises StageError."""
    run("dvc", ["repro", "--single-item", stage], stage, project, say)


def run(
    module: str, words: list[str], name: str, project: Path, say: Callable[[str], None]
) -> None:
    """Run `python -m module words` in `project`. Raises StageError with the line that says why."""
    lines: list[str] = []
    with process_group(module, words, project, subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if text := line.rstrip():
                say(text)
                lines.append(text)
        code = process.wait()
    if code:
        raise StageError(name, _own_code(code, lines), _reason(name, lines))


def _own_code(code: int, lines: list[str]) -> int:
    """The stage's exit code out of DVC's last words; DVC itself always ends with 255."""
    said = [found for line in lines if (found := re.search(r"exited with (-?\d+)", line))]
    if said:
        return int(said[-1].group(1))
    return BUSY if any(DVC_BUSY in line for line in lines) else code


def _reason(name: str, lines: list[str]) -> str:
    """The stage's own first line of complaint, or DVC's last line where the stage said nothing."""
    own = [line for line in lines if line.startswith(f"{name}: ")]
    return (own or lines[-1:] or ["it said nothing"])[0].removeprefix(f"{name}: ")
