"""Depth study and ablation on the project's own data."""

from slmrec.core.openmp import wait_passively
from slmrec.core.parent import begin_stage

# As in slmrec.stages: before a study imports torch.
begin_stage()
wait_passively()
