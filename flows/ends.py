"""How a command of the flows ends: with a code, and with one line where something stopped it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flows.dvc_stages import StageError
from slmrec.core.cache import cache_folder
from slmrec.core.disk import check_writable, disk_fault
from slmrec.core.errors import SlmrecError
from slmrec.core.parent import die_with_parent

INTERRUPTED = 128 + signal.SIGINT  # exit code, as of a shell


def run_command(name: str, command: Callable[[], int]) -> NoReturn:
    """Run `command` and exit with the code that it returns, or with that of its error.

    Ctrl-C, a full or read-only disk and errors that a person can act on are one line each. When
    make, which started this process, is killed, it ends too.
    """
    die_with_parent(signal.SIGTERM)
    # By default SIGTERM ends Python without cleaning up, and what it started would be left running.
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        check_writable(Path())
        check_writable(cache_folder())
        code = command()
    except KeyboardInterrupt:
        # Everything ends within seconds now: a second Ctrl-C shall not stop that half-way.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        code = _say(name, f"stopped by Ctrl-C; make {name} goes on from here", INTERRUPTED)
    except StageError as error:
        code = _say(name, str(error), error.code)
    except SlmrecError as error:
        code = _say(name, str(error), error.exit_code)
    except OSError as error:
        fault = disk_fault(error)
        if fault is None:
            raise
        code = _say(name, str(fault), fault.exit_code)
    sys.exit(code)


def _exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _say(name: str, line: str, code: int) -> int:
    print(f"{name}: {line}", file=sys.stderr, flush=True)
    return code
