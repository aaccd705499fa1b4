"""A search over the settings that matter, judged on validation targets alone."""

from slmrec.core.openmp import wait_passively

wait_passively()  # as in slmrec.stages: before a search imports torch
