"""A full or closed disk is one line with what to do, whatever library met it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

from slmrec.core.disk import check_writable, disk_fault, free_gigabytes
from slmrec.core.errors import UnavailableError
from tests.support.project import ROOT


def test_a_folder_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert free_gigabytes(tmp_path) > 0


def run_limited(program: str, folder: Path) -> str:
    """What a program prints in which no file may grow beyond a thousand bytes."""
    limits = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    return subprocess.run(
        [sys.executable, "-c", limits + program, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


LIMITED = """
import sys
from pathlib import Path
from slmrec.core.disk import check_writable
from slmrec.core.errors import UnavailableError
try:
    check_writable(Path(sys.argv[1]))
except UnavailableError as error:
    print(error)
"""


def test_a_disk_without_room_is_named_with_what_to_do(tmp_path: Path) -> None:
    printed = run_limited(LIMITED, tmp_path)
    assert printed.startswith(f"no space left to write at {tmp_path} (File too large); free some")
    assert list(tmp_path.iterdir()) == []


WRITERS = """
import sys
from pathlib import Path
import polars as pl, torch
from safetensors.torch import save_file
from slmrec.core.disk import disk_fault
writers = {
    "polars": lambda path: pl.DataFrame({"a": range(10_000)}).write_ipc(path),
    "safetensors": lambda path: save_file({"a": torch.zeros(10_000)}, path),
    "python": lambda path: path.write_bytes(bytes(10_000)),
}
for name, write in writers.items():
    try:
        write(Path(sys.argv[1], name))
    except Exception as error:
        found = str(disk_fault(error))
    print(name, found.startswith("no space left to write"))
"""


def test_whatever_library_meets_the_end_of_a_disk_it_is_understood(tmp_path: Path) -> None:
    assert run_limited(WRITERS, tmp_path).split() == [
        *("polars", "True"),
        *("safetensors", "True"),
        *("python", "True"),
    ]


def test_the_cause_of_an_error_counts_and_is_named() -> None:
    cause = OSError(errno.EROFS, os.strerror(errno.EROFS), "artifacts/bundle")
    error = ValueError("could not be written")
    error.__cause__ = cause
    fault = disk_fault(error)
    assert isinstance(fault, UnavailableError)
    assert str(fault).startswith("artifacts/bundle may not be read or written (Read-only file")


def test_another_error_is_none_of_the_disk() -> None:
    assert disk_fault(ValueError("7 bad rows")) is None
    assert disk_fault(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
