"""Depth study and ablation on the project's own data."""

from slmrec.core.openmp import wait_passively

wait_passively()  # as in slmrec.stages: before a study imports torch
