"""Section `compute`: what torch works with."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from slmrec.params.section import Count, TopSection


class ComputeParams(TopSection):
    KEY = "compute"

    device: Literal["cpu", "cuda"]
    threads: Count  # of torch, in each process
    processes: Count  # that share a training run, on one machine
    precision: Literal["fp32", "bf16", "fp16"]  # of training; weights on disk are always fp32

    @model_validator(mode="after")
    def _cpu_has_no_fp16(self) -> ComputeParams:
        if self.device == "cpu" and self.precision == "fp16":
            raise ValueError(
                "precision is fp16, which is for GPUs; "
                "on a cpu it must be fp32, or bf16 where the processor has it"
            )
        return self
