"""Run a command so that it ends with its parent: `python -m flows.child COMMAND ...`.

A process of its own asks the kernel for it and then becomes the command. The usual place, between
fork and exec, deadlocks in a parent that has threads.
"""

from __future__ import annotations

import os
import sys

from slmrec.core.parent import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    os.execvp(sys.argv[1], sys.argv[1:])
