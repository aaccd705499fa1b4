"""Become another command that cannot outlive the process that asked for it: `python -m flows.child COMMAND ...`.

Done in a process of its own, because the usual place (between fork and exec) deadlocks where
threads run.
"""

from __future__ import annotations

import os
import sys

from slmrec.core.stage import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])
