"""The verbs of dvc.yaml, one file each."""

import signal
import sys

from slmrec.core.openmp import wait_passively
from slmrec.core.parent import die_with_parent

wait_passively()  # here, because `python -m slmrec.stages.X` loads this file before X imports torch
if sys.argv[0] == "-m":  # what Python calls the program until it has found X
    die_with_parent()
    # Ctrl-C ends an import without a traceback; run_stage says a line about it later.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
