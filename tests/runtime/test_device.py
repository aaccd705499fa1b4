"""The driver is asked for devices; without a driver there are none."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from typing import Any

import pytest

from slmrec.runtime.device import cuda_devices


def test_as_many_devices_as_nvidia_smi_lists() -> None:
    listed = 0
    if shutil.which("nvidia-smi"):
        output = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
        listed = output.stdout.count("GPU ") if output.returncode == 0 else 0
    assert cuda_devices() == listed


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert cuda_devices() == 0


@pytest.mark.parametrize(("status", "devices"), [(0, 3), (100, 0)])
def test_a_driver_that_fails_shows_none(
    monkeypatch: pytest.MonkeyPatch, status: int, devices: int
) -> None:
    class Driver:
        def cuInit(self, _flags: int) -> int:  # noqa: N802  # CUDA's name
            return status

        def cuDeviceGetCount(self, count: Any) -> int:  # noqa: N802
            count._obj.value = 3
            return 0

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Driver())
    assert cuda_devices() == devices
