"""Precisions that a device does not have are refused."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import ValidationError

from slmrec.params.compute import ComputeParams


def compute(device: Literal["cpu", "cuda"], precision: Literal["fp32", "fp16"]) -> ComputeParams:
    return ComputeParams(device=device, threads=1, processes=1, precision=precision)


def test_fp16_is_for_gpus() -> None:
    with pytest.raises(ValidationError, match="fp16, which is for GPUs"):
        compute("cpu", "fp16")
    assert compute("cuda", "fp16").precision == "fp16"
    assert compute("cpu", "fp32").precision == "fp32"
