"""Whether params.yaml was made for the logs: own logs with the demo's need `slmrec init`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slmrec.core.errors import UsageError
from slmrec.core.files import sha256_of
from slmrec.demo.movielens import CHECKSUMS, PIN
from slmrec.init.params_writer import MARK, committed_text
from slmrec.init.samples.raw_files import RawFile, list_raw_files
from slmrec.params.section import read_yaml

NAMES_SHOWN = 3


def check_initialised(project: Path) -> str:
    """Raises UsageError where data/ holds own logs and params.yaml is still the demo's."""
    params, data_dir = project / "params.yaml", project / "data"
    files = list_raw_files(data_dir) if data_dir.is_dir() else []
    if not files or not params.is_file():
        return "nothing to read yet"  # other checks say what is missing
    if MARK.match(params.read_text()):
        return "params.yaml was written by slmrec init"
    if _holds_demo(data_dir):
        return "data/ holds the demo's logs"
    if _is_shipped(params) or not _matches_any(params, data_dir):
        raise UsageError(_init_advice(files))
    return "params.yaml is set up by hand"


def _init_advice(files: Sequence[RawFile]) -> str:
    names = ", ".join(file.name for file in files[:NAMES_SHOWN])
    more = ", ..." if len(files) > NAMES_SHOWN else ""
    return (
        f"data/ holds {names}{more}, but params.yaml is set up for other logs; "
        "run slmrec init first, then dvc add data"
    )


def _holds_demo(data_dir: Path) -> bool:
    files = {path.name: path for path in data_dir.iterdir()}
    return files.keys() == CHECKSUMS.keys() and all(
        sha256_of(path) == CHECKSUMS[name] for name, path in files.items()
    )


def _is_shipped(params: Path) -> bool:
    """Whether git has this params.yaml beside the pin of the demo's logs."""
    pin = committed_text(params.with_name("data.dvc"))
    return pin is not None and PIN in pin and params.read_text() == committed_text(params)


def _matches_any(params: Path, data_dir: Path) -> bool:
    """Whether the files that params.yaml names are there."""
    globs = read_yaml(params).get("prepare", {}).get("events", {}).get("files", [])
    return any(True for pattern in globs for _ in data_dir.glob(str(pattern)))
