"""The device, threads and processes that torch works with: what was asked for is what runs, or an error."""

from __future__ import annotations

import os

import torch

from slmrec.core.distributed import local_rank, start_others
from slmrec.core.errors import UnavailableError
from slmrec.params.compute import ComputeParams

ACCELERATE = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}  # what Accelerate calls the precisions


def start_torch(p: ComputeParams) -> torch.device:
    """Fix threads, deterministic kernels and the precision of training for this process and return the device.

    Raises UnavailableError when a GPU is asked for and there is none, and for bf16 on a processor
    that would only emulate it.
    """
    torch.set_num_threads(p.threads)
    use_deterministic_kernels()
    if p.device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError(
            "compute.device is cuda, but torch sees no GPU; set it to cpu or install a CUDA build of torch"
        )
    if p.device == "cpu" and p.precision == "bf16" and not _processor_multiplies_bf16():
        raise UnavailableError(
            "compute.precision is bf16, but this processor has no instructions for it and would be slower; set fp32"
        )
    os.environ["ACCELERATE_MIXED_PRECISION"] = ACCELERATE[
        p.precision
    ]  # where an Accelerator looks for it
    return torch.device(p.device)


def use_deterministic_kernels() -> None:
    """Let torch use only kernels that give the same bits each time."""
    torch.use_deterministic_algorithms(True)
    # It would also fill fresh memory, for programs that read what they never wrote: a tenth of a
    # training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def start_training(p: ComputeParams) -> torch.device:
    """`start_torch` for a stage that trains: as one of `processes`, each with its own GPU where there are some.

    Raises UnavailableError when there are fewer GPUs than processes.
    """
    device = start_torch(p)
    if device.type == "cuda" and torch.cuda.device_count() < p.processes:
        raise UnavailableError(
            f"compute.processes is {p.processes}, but torch sees {torch.cuda.device_count()} GPUs; lower it"
        )
    start_others(p.processes)
    if device.type == "cuda":
        # Without this cuBLAS refuses to be deterministic.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        device = torch.device("cuda", local_rank())
        torch.cuda.set_device(device)
    return device


def _processor_multiplies_bf16() -> bool:
    has = torch.cpu.get_capabilities()
    return any(has.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))
