"""A student served by torch as it was trained, to stand beside its bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from slmrec.core.errors import UsageError
from slmrec.evaluation.timing import serving_in_torch
from slmrec.models.serialization import load_model
from slmrec.runtime.latency import Serve, Workload


def serving_eagerly(model_dir: Path, threads: int | None) -> Serve:
    """Calls that recommend ten items with the model in `model_dir`, in eager torch on the CPU.

    Nothing is excluded, and items come out as indices: less work than a bundle's. Raises UsageError
    where the folder holds no model, and DataError where it holds a broken one.
    """
    if not (model_dir / "config.json").is_file():
        raise UsageError(
            f"{model_dir} holds no model; give the folder of the student that the bundle was made "
            "of, such as artifacts/student/student"
        )
    if threads is not None:
        torch.set_num_threads(threads)
    model = load_model(model_dir)

    def serve(workload: Workload) -> Callable[[], object]:
        return serving_in_torch(model, [workload.indices[:, : model.max_length]])

    return serve
