"""How a stage runs: from a command line to `main`, with what every stage needs around it.

A stage is `python -m slmrec.stages.NAME INPUT ... OUTPUT`. `run_stage` turns the arguments into
paths, checks that the inputs exist, takes the stage's lock, makes the process end with its parent,
and turns an error that a person can act on into one line and an exit code.
"""

from __future__ import annotations

import ctypes
import inspect
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from slmrec.core.distributed import is_first
from slmrec.core.errors import SlmrecError, UsageError
from slmrec.core.last_outputs import has_last_outputs
from slmrec.core.locks import lock

PR_SET_PDEATHSIG = 1  # of prctl, in linux/prctl.h


def run_stage(main: Callable[..., None]) -> None:
    """Run a stage's `main(input_dir, ..., *, output_dir, ...)` on the process's arguments.

    Positional parameters are inputs and must exist; keyword-only ones are outputs. Exits with the
    error's code.
    """
    stage = Path(sys.argv[0]).stem
    try:
        inputs, outputs = _parse_arguments(main, sys.argv[1:])
        die_with_parent()
        if is_first():
            with lock(stage):
                main(*inputs, **outputs)
        else:
            _take_part(main, inputs, outputs)
    except SlmrecError as error:
        _exit(stage, error)


def _exit(stage: str, error: SlmrecError) -> NoReturn:
    print(f"{stage}: {error}", file=sys.stderr)
    if has_last_outputs(stage, Path.cwd()):
        restore = f"the last good outputs come back with: dvc checkout --force {stage}"
        print(f"{stage}: {restore}", file=sys.stderr)
    sys.exit(error.exit_code)


def _take_part(main: Callable[..., None], inputs: list[Path], outputs: dict[str, Path]) -> None:
    """Share the work of the first process, which alone holds the lock and writes the outputs."""
    with TemporaryDirectory() as scratch:
        main(*inputs, **{name: Path(scratch) / path.name for name, path in outputs.items()})


def _parse_arguments(
    main: Callable[..., None], arguments: list[str]
) -> tuple[list[Path], dict[str, Path]]:
    parameters = inspect.signature(main).parameters.values()
    if len(arguments) != len(parameters):
        names = " ".join(_shown_name(parameter).upper() for parameter in parameters)
        raise UsageError(f"{len(arguments)} paths given, expected {len(parameters)}: {names}")
    inputs: list[Path] = []
    outputs: dict[str, Path] = {}
    for parameter, path in zip(parameters, map(Path, arguments), strict=True):
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            outputs[parameter.name] = path
        else:
            inputs.append(_existing(path, _shown_name(parameter)))
    return inputs, outputs


def _existing(path: Path, name: str) -> Path:
    if not path.exists():
        raise UsageError(f"{name} is missing: {path} does not exist; run dvc repro")
    return path


def _shown_name(parameter: inspect.Parameter) -> str:
    """What a person calls the path: `histories` for the parameter histories_dir."""
    return parameter.name.removesuffix("_dir").removesuffix("_path")


def die_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends."""
    # A killed `dvc repro` would leave the stage running, and the next one would write beside it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
