"""Side-by-side measurements; results/ name the machine they ran on."""

from slmrec.core.openmp import wait_passively

wait_passively()  # here, because it must be set before a benchmark imports torch
