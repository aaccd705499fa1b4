"""Device, threads, processes and precision of torch: what was asked for runs, or it is an error."""

from __future__ import annotations

import os

import torch

from slmrec.core.distributed import local_rank, start_others
from slmrec.core.errors import UnavailableError
from slmrec.params.compute import ComputeParams

ACCELERATE_PRECISIONS = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}  # ours to Accelerate's


def start_torch(p: ComputeParams) -> torch.device:
    """Set threads, deterministic kernels and the precision of training; return the device.

    Raises UnavailableError when a GPU is asked for and there is none, and for bf16 on a processor
    that would only emulate it.
    """
    _refuse_what_there_is_not(p)
    torch.set_num_threads(p.threads)
    use_deterministic_kernels()
    # Where an Accelerator looks for it.
    os.environ["ACCELERATE_MIXED_PRECISION"] = ACCELERATE_PRECISIONS[p.precision]
    return torch.device(p.device)


def _refuse_what_there_is_not(p: ComputeParams) -> None:
    if p.device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError(
            "compute.device is cuda, but torch sees no GPU; "
            "set it to cpu or install a CUDA build of torch"
        )
    if p.device == "cpu" and p.precision == "bf16" and not _processor_multiplies_bf16():
        raise UnavailableError(
            "compute.precision is bf16, but this processor has no instructions for it and would be "
            "slower; set fp32"
        )


def use_deterministic_kernels() -> None:
    """Let torch use only kernels that give the same bits each time."""
    torch.use_deterministic_algorithms(True)
    # Deterministic mode would also fill fresh memory, for programs that read what they never wrote:
    # that takes a tenth of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def start_training(p: ComputeParams) -> torch.device:
    """`start_torch` for a stage that trains: as one of `processes`, each with its own GPU, if any.

    Raises UnavailableError when there are fewer GPUs than processes.
    """
    device = start_torch(p)
    if device.type == "cuda" and torch.cuda.device_count() < p.processes:
        raise UnavailableError(
            f"compute.processes is {p.processes}, but torch sees {torch.cuda.device_count()} GPUs; "
            "lower it"
        )
    start_others(p.processes)
    if device.type == "cuda":
        # Without this cuBLAS refuses to be deterministic.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        device = torch.device("cuda", local_rank())
        torch.cuda.set_device(device)
    return device


def _processor_multiplies_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))
