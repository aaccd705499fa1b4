"""Whether a CUDA device is there, asked of its driver: no framework is loaded for it."""

from __future__ import annotations

import ctypes
import sys


def cuda_devices() -> int:
    """How many CUDA devices the driver shows to this process; 0 without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
            return 0
    except (OSError, AttributeError):  # no such library, or one without these functions
        return 0
    return count.value
