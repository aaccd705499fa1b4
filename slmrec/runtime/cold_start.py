"""What a service waits for before its first answer, and the memory it takes: in a new process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from slmrec.core.errors import BundleError
from slmrec.runtime.recommender import Device

PROGRAM = """
import json, sys, time
started = time.perf_counter()
from slmrec.runtime import Recommender
from slmrec.runtime.memory import peak_mib
imported = time.perf_counter()
folder, device, threads = sys.argv[1:]
recommender = Recommender(folder, device, int(threads) or None)
loaded = time.perf_counter()
item = recommender.items.ids[0]
recommender.recommend([[item]], 1)
answered = time.perf_counter()
loaded_mib = peak_mib()
recommender.recommend([[item] * recommender.contract["max_length"]] * 256, 1)
print(json.dumps({
    "import_seconds": imported - started,
    "load_seconds": loaded - imported,
    "first_answer_seconds": answered - loaded,
    "loaded_mib": loaded_mib,
    "after_256_users_mib": peak_mib(),
}))
"""


def measure_cold_start(
    bundle: Path, device: Device, threads: int | None
) -> dict[str, float | None]:
    """Seconds of a new process from its start to its end and of its steps, and its peaks in MiB.

    The peaks are None where the system does not tell. Raises BundleError when the process fails.
    """
    started = time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(bundle), device, str(threads or 0)],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        last = process.stderr.strip().splitlines()[-1:]
        raise BundleError(f"{bundle} does not load in a new process: {''.join(last)}")
    figures: dict[str, float | None] = json.loads(process.stdout.splitlines()[-1])
    return {"process_seconds": time.perf_counter() - started} | figures
