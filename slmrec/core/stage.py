"""The door of a stage: from a command line to a pure function, with the manners every stage needs.

A stage is `python -m slmrec.stages.NAME INPUT ... OUTPUT`. The door turns the arguments into paths,
sees that the inputs exist, takes the stage's lock, fixes the number of threads, dies with its
parent, and turns an error a person can act on into one line and an exit code.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from slmrec.core.distributed import is_first
from slmrec.core.errors import SlmrecError, UsageError
from slmrec.core.locks import lock

# With OpenMP's default active waiting, two threads on a busy machine slow torch fifty-fold.
# It must be in the environment before the first import of torch, so doors are imported first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


PR_SET_PDEATHSIG = 1


def run_stage(main: Callable[..., None]) -> None:
    """Run a stage's `main(input: Path, ..., *, output: Path, ...)` on the process's arguments.

    Positional parameters are inputs and must exist; keyword-only ones are outputs. Exits with the
    error's code.
    """
    stage = Path(sys.argv[0]).stem
    try:
        inputs, outputs = _arguments(main, sys.argv[1:])
        die_with_parent()
        if is_first():
            with lock(stage):
                main(*inputs, **outputs)
        else:
            _take_part(main, inputs, outputs)
    except SlmrecError as error:
        print(f"{stage}: {error}", file=sys.stderr)
        print(
            f"{stage}: the last good outputs come back with: dvc checkout --force {stage}",
            file=sys.stderr,
        )
        sys.exit(error.exit_code)


def _take_part(main: Callable[..., None], inputs: list[Path], outputs: dict[str, Path]) -> None:
    """Do a stage's work beside the first process, which alone holds the lock and writes what is kept."""
    with TemporaryDirectory() as scratch:
        main(*inputs, **{name: Path(scratch) / path.name for name, path in outputs.items()})


def _arguments(main: Callable[..., None], words: list[str]) -> tuple[list[Path], dict[str, Path]]:
    parameters = inspect.signature(main).parameters.values()
    if len(words) != len(parameters):
        names = " ".join(parameter.name.upper() for parameter in parameters)
        raise UsageError(f"{len(words)} paths given, expected {len(parameters)}: {names}")
    inputs: list[Path] = []
    outputs: dict[str, Path] = {}
    for parameter, word in zip(parameters, words, strict=True):
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            outputs[parameter.name] = Path(word)
        elif not Path(word).exists():
            raise UsageError(f"{parameter.name} is missing: {word} does not exist; run dvc repro")
        else:
            inputs.append(Path(word))
    return inputs, outputs


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends."""
    # A killed `dvc repro` otherwise leaves the stage running beside the next one's writer.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
