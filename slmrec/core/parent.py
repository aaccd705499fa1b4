"""A process that ends with the one that started it.

Imports nothing that takes time, so that a stage can ask for it before its own imports.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1  # of prctl, in linux/prctl.h
RWLOCK = Path(".dvc", "tmp", "rwlock")  # in which a `dvc repro` names itself while a stage runs


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel for the signal `number` when the parent ends; where it has ended, now."""
    if sys.platform != "linux":
        return
    # A killed `dvc repro` would leave the stage running, and the next one would write beside it.
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    # The kernel tells of an end that comes after the call, so that one before it is asked for.
    if os.getppid() != parent or was_left_by_dvc(os.environ, parent):
        os.kill(os.getpid(), number)


def begin_stage() -> None:
    """What a stage asks for before its imports, which take seconds; called by its package.

    Does nothing where the package is imported by anything but `python -m PACKAGE.STAGE`.
    """
    if sys.argv[0] != "-m":  # what Python calls the program until it has found the stage
        return
    die_with_parent()
    # Ctrl-C ends an import without a traceback; run_stage says a line about it later.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def was_left_by_dvc(environment: Mapping[str, str], parent: int) -> bool:
    """Whether DVC started this process as a stage and is gone: `parent` is another process.

    The file below the current folder, which is DVC's, names all that run a stage. One that cannot
    be read proves nothing.
    """
    if "DVC_STAGE" not in environment or "RANK" in environment:  # torchrun stands between
        return False
    try:
        held = json.loads(RWLOCK.read_text())
        readers = [reader for readers in held["read"].values() for reader in readers]
        holders = {int(holder["pid"]) for holder in [*held["write"].values(), *readers]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return bool(holders) and parent not in holders
