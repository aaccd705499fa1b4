"""The verbs of dvc.yaml, one file each."""

from slmrec.core.openmp import wait_passively
from slmrec.core.parent import begin_stage

# Here, because `python -m slmrec.stages.X` loads this file before X imports torch.
begin_stage()
wait_passively()
