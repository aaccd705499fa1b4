"""How a stage runs: from a command line to `main`, with what every stage needs around it.

A stage is `python -m slmrec.stages.NAME INPUT ... OUTPUT`. `run_stage` turns the arguments into
paths, checks that the inputs exist, takes the stage's lock, makes the process end with its parent,
and turns an error that a person can act on into one line and an exit code.
"""

from __future__ import annotations

import inspect
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from slmrec.core.cache import cache_folder
from slmrec.core.disk import disk_fault
from slmrec.core.distributed import is_first
from slmrec.core.errors import SlmrecError, UsageError
from slmrec.core.last_outputs import has_last_outputs
from slmrec.core.locks import lock
from slmrec.core.parent import die_with_parent
from slmrec.core.scratch import remove_abandoned

INTERRUPTED = 128 + signal.SIGINT  # exit code, as of a shell


def run_stage(main: Callable[..., None]) -> None:
    """Run a stage's `main(input_dir, ..., *, output_dir, ...)` on the process's arguments.

    Positional parameters are inputs and must exist; keyword-only ones are outputs. Exits with the
    error's code.
    """
    stage = Path(sys.argv[0]).stem
    die_with_parent()  # under torchrun nothing has asked for it yet
    try:
        _let_ctrl_c_clean_up()
        inputs, outputs = _parse_arguments(main, sys.argv[1:])
        _run(stage, main, inputs, outputs)
    except KeyboardInterrupt:
        print(f"{stage}: stopped by Ctrl-C; dvc repro goes on from here", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except SlmrecError as error:
        _exit(stage, error)
    except Exception as error:
        if fault := disk_fault(error):
            _exit(stage, fault)
        raise


def _let_ctrl_c_clean_up() -> None:
    """Let it raise KeyboardInterrupt again, so that temporary files go before the process."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # set by slmrec.stages, for the imports
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(
    stage: str, main: Callable[..., None], inputs: list[Path], outputs: dict[str, Path]
) -> None:
    if not is_first():
        _take_part(main, inputs, outputs)
        return
    with lock(stage):
        folders = [Path(), *(path.parent for path in outputs.values())]
        for left in remove_abandoned(folders, cache_folder()):
            print(f"{stage}: removed {left}, which a killed run had left", flush=True)
        main(*inputs, **outputs)


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
