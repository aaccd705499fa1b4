"""The verbs of dvc.yaml, one file each."""

from slmrec.core.openmp import wait_passively

wait_passively()  # here, because `python -m slmrec.stages.X` loads this file before X imports torch
