"""A bundle on disk: what must lie in it, and proof that exactly that lies in it. Standard library alone.

A bundle is a folder whose MANIFEST.sha256, written last, names every other file with its sha256.
Files are read once and held against the manifest as they are read, so what was verified is what is
used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmrec.core.errors import BundleError

FORMAT = 1  # of the folder and the contract; a runtime refuses every other
MANIFEST = "MANIFEST.sha256"
MODEL = "model.onnx"
CONTRACT = "contract.json"
ITEMS = "items.jsonl"
GOLDEN = "golden.npz"
REQUIRED = (MODEL, CONTRACT, ITEMS, "items.parquet", "metrics.json", "MODEL_CARD.md", GOLDEN)
READ = (
    "minimum_runtime",
    "precision",
    "tolerance",
    "max_length",
    "items",
)  # what a runtime reads of a contract
# The graph carries these, so that a graph and a contract or item table of different bundles fail at
# load.
CONTRACT_HASH = "slmrec.contract_sha256"
ITEMS_HASH = "slmrec.items_sha256"
VERSION = "slmrec.version"
LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")
AGAIN = "fetch the bundle again or run dvc repro"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: its files' bytes and its contract, read."""

    folder: Path
    files: dict[str, bytes]
    contract: dict[str, Any]


def sha256_of_bytes(data: bytes) -> str:
    """Hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def write_manifest(folder: Path) -> None:
    """Write MANIFEST.sha256 over every file in `folder`, in name order, as `sha256sum -c` reads it. The last thing written."""
    names = sorted(entry.name for entry in folder.iterdir())
    lines = [f"{sha256_of_bytes((folder / name).read_bytes())}  {name}\n" for name in names]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle.

    Raises BundleError, naming the file, when the manifest is missing or malformed, when a file is
    missing, extra, altered, a link or no plain file, or when the contract is not of this format.
    """
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} is no bundle: it has no {MANIFEST}; give the folder that holds model.onnx, or run dvc repro"
        )
    wanted = _read_manifest(folder)
    _check_listing(folder, wanted)
    files = {name: _read_verified(folder / name, digest) for name, digest in wanted.items()}
    return Bundle(folder=folder, files=files, contract=_read_contract(folder, files[CONTRACT]))


def _read_manifest(folder: Path) -> dict[str, str]:
    try:
        text = _read_plain(folder / MANIFEST).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"{folder / MANIFEST} is not text ({error}); {AGAIN}") from error
    wanted: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        found = LINE.fullmatch(line)
        if found is None or found["name"] in wanted:
            # A name with a slash or two dots would lead out of the folder.
            raise BundleError(
                f"{folder / MANIFEST} line {number} is {line[:120]!r}, expected a sha256 and a plain file name; {AGAIN}"
            )
        wanted[found["name"]] = found["digest"]
    return wanted


def _check_listing(folder: Path, wanted: dict[str, str]) -> None:
    for name in REQUIRED:
        if name not in wanted:
            raise BundleError(
                f"{folder / MANIFEST} does not name {name}, which every bundle has; {AGAIN}"
            )
    found = {entry.name for entry in folder.iterdir()} - {MANIFEST}
    if missing := sorted(wanted.keys() - found):
        raise BundleError(f"{folder} lacks {missing[0]}, which its manifest names; {AGAIN}")
    if extra := sorted(found - wanted.keys()):
        raise BundleError(
            f"{folder} holds {extra[0]!r}, which its manifest does not name; remove it, or {AGAIN}"
        )


def _read_plain(path: Path) -> bytes:
    """The bytes of a plain file; a link is refused when it is opened, not before, so nothing can be swapped in between."""
    if path.is_symlink() or not path.is_file():
        raise BundleError(
            f"{path} is a link or no plain file; a bundle holds copies only, so copy it or {AGAIN}"
        )
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(handle, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); check its permissions, or {AGAIN}"
        ) from error


def _read_verified(path: Path, digest: str) -> bytes:
    data = _read_plain(path)
    seen = sha256_of_bytes(data)
    if seen != digest:
        raise BundleError(
            f"{path} was altered: its sha256 is {seen}, the manifest says {digest}; {AGAIN}"
        )
    return data


def _read_contract(folder: Path, data: bytes) -> dict[str, Any]:
    try:
        contract = json.loads(data)
    except ValueError as error:
        raise BundleError(f"{folder / CONTRACT} is not JSON ({error}); {AGAIN}") from error
    seen = contract.get("format") if isinstance(contract, dict) else None
    if seen != FORMAT:
        raise BundleError(
            f"{folder / CONTRACT} is of format {seen!r}, this slmrec reads format {FORMAT}; use the slmrec that wrote it"
        )
    if lacking := [key for key in READ if key not in contract]:
        raise BundleError(f"{folder / CONTRACT} lacks {lacking[0]}; {AGAIN}")
    return dict(contract)
