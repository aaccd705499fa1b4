"""The device and threads that torch works with: what was asked for is what runs, or an error."""

from __future__ import annotations

import torch

from slmrec.errors import UnavailableError
from slmrec.params import ComputeParams


def start_torch(p: ComputeParams) -> torch.device:
    """Fix threads and deterministic kernels for this process and return the device.

    Raises UnavailableError when a GPU is asked for and there is none.
    """
    torch.set_num_threads(p.threads)
    torch.use_deterministic_algorithms(True)
    if p.device == "cuda" and not torch.cuda.is_available():
        raise UnavailableError("compute.device is cuda, but torch sees no GPU; set it to cpu or install a CUDA build of torch")
    return torch.device(p.device)
