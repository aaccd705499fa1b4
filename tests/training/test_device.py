"""Precision, device and processes: what is asked for is what runs, or an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from slmrec.core.errors import UnavailableError
from slmrec.models.sasrec import SASRec
from slmrec.params.compute import ComputeParams
from slmrec.training import device
from slmrec.training.loop import train
from tests.support.training import ring_run

FP32 = ComputeParams(device="cpu", threads=1, processes=1, precision="fp32")
BF16 = FP32.model_copy(update={"precision": "bf16"})
CUDA = FP32.model_copy(update={"device": "cuda", "processes": 3})
PRECISION = "ACCELERATE_MIXED_PRECISION"


@pytest.fixture
def own_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Precision of this test alone: Accelerate keeps the first one that a process asks for."""
    monkeypatch.setenv(PRECISION, "no")  # so that it is put back
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_half_precision_is_refused_on_a_processor_that_would_emulate_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    with pytest.raises(UnavailableError, match="no instructions for it"):
        device.start_torch(BF16)


def test_a_gpu_that_torch_does_not_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnavailableError, match="torch sees no GPU"):
        device.start_torch(CUDA)


@pytest.mark.usefixtures("own_precision")
def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UnavailableError, match="processes is 3, but torch sees 2 GPUs"):
        device.start_training(CUDA)


@pytest.mark.usefixtures("own_precision")
def test_the_asked_for_threads_and_only_deterministic_kernels_are_used() -> None:
    threads = torch.get_num_threads()
    try:
        started = device.start_training(FP32.model_copy(update={"threads": 2}))
        assert started == torch.device("cpu") and torch.get_num_threads() == 2
        assert torch.are_deterministic_algorithms_enabled()
        assert os.environ[PRECISION] == "no"
    finally:
        torch.set_num_threads(threads)


@pytest.mark.usefixtures("own_precision")
def test_training_in_bf16_multiplies_in_bf16_keeps_fp32_weights_and_learns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    device.start_torch(BF16)
    assert os.environ[PRECISION] == "bf16"
    run = ring_run(tmp_path / "c.safetensors", epochs=12, patience=12)
    assert isinstance(run.trained, SASRec)
    dtypes = set()
    run.trained.first_layer.widen.register_forward_hook(
        lambda _module, _inputs, output: dtypes.add(output.dtype)
    )
    curve = train(run)
    assert torch.bfloat16 in dtypes  # in steps; validation is fp32
    assert {weight.dtype for weight in run.trained.parameters()} == {torch.float32}
    assert curve[-1]["valid_ndcg@10"] > 0.9
