"""Precision: what is asked for is what runs, or an error."""

from __future__ import annotations

import os

import pytest
import torch
from accelerate.state import AcceleratorState
from pydantic import ValidationError

from slmrec.core.errors import UnavailableError
from slmrec.params.compute import ComputeParams
from slmrec.training import device
from slmrec.training.loop import train
from tests.support.training import ring_run

BF16 = ComputeParams(device="cpu", threads=1, processes=1, precision="bf16")
PRECISION = "ACCELERATE_MIXED_PRECISION"


def test_half_precision_is_refused_on_a_processor_that_would_emulate_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    with pytest.raises(UnavailableError, match="no instructions for it"):
        device.start_torch(BF16)


def test_fp16_is_for_gpus():
    with pytest.raises(ValidationError, match="fp16, which is for GPUs"):
        ComputeParams(device="cpu", threads=1, processes=1, precision="fp16")


@pytest.fixture
def own_precision(monkeypatch):
    """Precision of this test alone: Accelerate keeps the first one that a process asks for."""
    monkeypatch.setenv(PRECISION, "no")  # so that it is put back
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("own_precision")
def test_training_in_bf16_multiplies_in_bf16_keeps_fp32_weights_and_learns(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    device.start_torch(BF16)
    assert os.environ[PRECISION] == "bf16"
    run = ring_run(tmp_path / "c.safetensors", epochs=12, patience=12)
    seen = set()
    first = run.trained.first_layer.widen  # type: ignore[union-attr]
    first.register_forward_hook(lambda _module, _inputs, output: seen.add(output.dtype))  # type: ignore[union-attr]
    curve = train(run)
    assert torch.bfloat16 in seen  # in steps; validation is fp32
    assert {weight.dtype for weight in run.trained.parameters()} == {torch.float32}
    assert curve[-1]["valid_ndcg@10"] > 0.9
