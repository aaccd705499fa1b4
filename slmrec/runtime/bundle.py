"""A bundle on disk: which files it must hold, and proof that it holds exactly these.

A bundle is a folder whose MANIFEST.sha256, written last, names every other file with its sha256.
Files are read once and checked against the manifest as they are read, so what was verified is what
is used. The standard library is enough for all of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmrec.core.errors import BundleError
from slmrec.core.vocabulary import PAD, UNK
from slmrec.runtime.bundle_folder import (
    ADVICE,
    LARGEST_FILE,
    LARGEST_TEXT,
    bundle_path,
    file_names,
    read_file,
    real_folder,
    sha256_of_file,
)
from slmrec.runtime.further_graphs import files_of, further_files, graphs_fit, setting_of

FORMAT = 2  # of the folder and the contract; a runtime refuses every other
MANIFEST = "MANIFEST.sha256"
MODEL = "model.onnx"
CONTRACT = "contract.json"
ITEMS = "items.jsonl"
ITEMS_PARQUET = "items.parquet"
METRICS = "metrics.json"
MODEL_CARD = "MODEL_CARD.md"
GOLDEN = "golden.npz"
REQUIRED = (MODEL, CONTRACT, ITEMS, ITEMS_PARQUET, METRICS, MODEL_CARD, GOLDEN)
TEXTS = (MANIFEST, CONTRACT, METRICS, MODEL_CARD)
# What a runtime reads of a contract.
CONTRACT_KEYS = (
    "minimum_runtime",
    "precision",
    "tolerance",
    "max_length",
    "exclude_seen",
    "items",
    "graph",
    "vocabulary",
)
# What the graph is called with, and what is read of its answer; it may give more.
INPUTS, OUTPUTS = {"history", "exclude", "k"}, {"items", "scores"}
# Metadata of the graph: with these hashes in it, a graph does not load beside a contract or an item
# table of another bundle.
CONTRACT_HASH = "slmrec.contract_sha256"
ITEMS_HASH = "slmrec.items_sha256"
VERSION = "slmrec.version"
VERSION_TEXT = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
MANIFEST_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: the bytes of its files, or of some of them, and its contract."""

    folder: Path
    files: dict[str, bytes]
    contract: dict[str, Any]


def sha256_of_bytes(data: bytes) -> str:
    """Hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def write_manifest(folder: Path) -> None:
    """Write MANIFEST.sha256 over all in `folder`, as `sha256sum -c` reads it; it comes last."""
    names = sorted(entry.name for entry in folder.iterdir())
    lines = [f"{sha256_of_bytes((folder / name).read_bytes())}  {name}\n" for name in names]
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def read_bundle(folder: Path | str, graph: str | None = None) -> Bundle:
    """Read and verify a bundle; with `graph` the other graphs are verified, and not kept.

    At a million items each takes a gigabyte. Raises BundleError, naming the file, when the manifest
    is missing or malformed, when a file is missing, extra, altered, too long, no plain file or a
    link that leaves the folder, or when the contract is not of this format; UsageError when
    `folder` is no path.
    """
    folder = real_folder(bundle_path(folder))
    if not (folder / MANIFEST).is_file():
        raise BundleError(
            f"{folder} is no bundle: it has no {MANIFEST}; "
            "give the folder that holds model.onnx, or run dvc repro"
        )
    digests = _read_manifest(folder)
    _check_listing(folder, digests)
    contract_file = _read_verified(folder / CONTRACT, digests[CONTRACT])
    contract = _read_contract(folder, contract_file)
    if missing := sorted(set(further_files(contract)) - digests.keys()):
        raise BundleError(f"{folder} lacks {missing[0]}, which its contract names; {ADVICE}")
    others = set() if graph is None else _files_of_others(contract, graph)
    files = {CONTRACT: contract_file}
    for name, digest in digests.items():
        if name in others:
            _check_digest(folder / name, sha256_of_file(folder / name, LARGEST_FILE), digest)
        elif name != CONTRACT:
            files[name] = _read_verified(folder / name, digest)
    return Bundle(folder=folder, files=files, contract=contract)


def _files_of_others(contract: Mapping[str, Any], graph: str) -> set[str]:
    own = contract.get("graphs", {}).get(graph)
    return {MODEL, *further_files(contract)} - set(files_of(own) if own else [MODEL])


def part_of(bundle: Bundle, graph: str) -> dict[str, Any]:
    """What the contract says of a graph, `model` among them. Raises BundleError without it."""
    graphs: dict[str, dict[str, Any]] = {"model": bundle.contract["graph"]}
    graphs |= bundle.contract.get("graphs", {})
    if graph not in graphs:
        raise BundleError(
            f"{bundle.folder} has no graph {graph}, it has {', '.join(graphs)}; "
            f"add it to export_onnx.{setting_of(graph)} and export again"
        )
    return graphs[graph]


def check_parts(
    bundle: Bundle, graph_metadata: Mapping[str, str], item_rows: int, graph: str = MODEL
) -> None:
    """Raise BundleError unless contract and item table are those that the graph was made with."""
    for name, key in ((CONTRACT, CONTRACT_HASH), (ITEMS, ITEMS_HASH)):
        actual = sha256_of_bytes(bundle.files[name])
        if graph_metadata.get(key) != actual:
            raise BundleError(
                f"{bundle.folder / name} belongs to another graph: its sha256 is {actual}, "
                f"{graph} was made with {graph_metadata.get(key)}; use the files of one export"
            )
    if item_rows != bundle.contract["items"]["rows"]:
        raise BundleError(
            f"{ITEMS} has {item_rows} rows, "
            f"the contract says {bundle.contract['items']['rows']}; run dvc repro"
        )


def _read_manifest(folder: Path) -> dict[str, str]:
    digests: dict[str, str] = {}
    for number, line in enumerate(_manifest_lines(folder), start=1):
        entry = MANIFEST_LINE.fullmatch(line)
        if entry is None or entry["name"] in digests:
            # A name with a slash or two dots would lead out of the folder.
            raise BundleError(
                f"{folder / MANIFEST} line {number} is {line[:120]!r}, "
                f"expected a sha256 and a plain file name; {ADVICE}"
            )
        digests[entry["name"]] = entry["digest"]
    return digests


def _manifest_lines(folder: Path) -> list[str]:
    try:
        return _read(folder / MANIFEST).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise BundleError(f"{folder / MANIFEST} is not text ({error}); {ADVICE}") from error


def _check_listing(folder: Path, digests: dict[str, str]) -> None:
    for name in REQUIRED:
        if name not in digests:
            raise BundleError(
                f"{folder / MANIFEST} does not name {name}, which every bundle has; {ADVICE}"
            )
    present = file_names(folder) - {MANIFEST}
    if missing := sorted(digests.keys() - present):
        raise BundleError(f"{folder} lacks {missing[0]}, which its manifest names; {ADVICE}")
    if extra := sorted(present - digests.keys()):
        raise BundleError(
            f"{folder} holds {extra[0]!r}, which its manifest does not name; remove it, or {ADVICE}"
        )


def _read(path: Path) -> bytes:
    return read_file(path, LARGEST_TEXT if path.name in TEXTS else LARGEST_FILE)


def _read_verified(path: Path, digest: str) -> bytes:
    data = _read(path)
    _check_digest(path, sha256_of_bytes(data), digest)
    return data


def _check_digest(path: Path, actual: str, digest: str) -> None:
    if actual != digest:
        raise BundleError(
            f"{path} was altered: its sha256 is {actual}, the manifest says {digest}; {ADVICE}"
        )


def _read_contract(folder: Path, data: bytes) -> dict[str, Any]:
    try:
        contract = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{folder / CONTRACT} is not JSON ({error}); {ADVICE}") from error
    version = contract.get("format") if isinstance(contract, dict) else None
    if version != FORMAT:
        raise BundleError(
            f"{folder / CONTRACT} is of format {version!r}, this slmrec reads format {FORMAT}; "
            "use the slmrec that wrote it"
        )
    if missing := [key for key in CONTRACT_KEYS if key not in contract]:
        raise BundleError(f"{folder / CONTRACT} lacks {missing[0]}; {ADVICE}")
    _check_values(folder / CONTRACT, contract)
    return dict(contract)


def _check_values(path: Path, contract: Mapping[str, Any]) -> None:
    """Raise BundleError unless what a runtime reads of the contract is of the right type."""
    try:
        runtime = contract["minimum_runtime"]["onnxruntime"]
        tolerance = contract["tolerance"][contract["precision"]]
        good = {
            "minimum_runtime": isinstance(runtime, str) and VERSION_TEXT.fullmatch(runtime),
            "tolerance": isinstance(tolerance, float) and 0 < tolerance < 1,
            "max_length": _is_count(contract["max_length"]),
            "exclude_seen": isinstance(contract["exclude_seen"], bool),
            "items": _is_count(contract["items"]["rows"]),
            "graph": set(contract["graph"]["inputs"]) == INPUTS
            and set(contract["graph"]["outputs"]) >= OUTPUTS,
            "vocabulary": _is_vocabulary(contract["vocabulary"]),
            "graphs": graphs_fit(contract),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path} is not as contracts are ({error!r}); {ADVICE}") from error
    if wrong := [key for key, is_good in good.items() if not is_good]:
        raise BundleError(f"{path} says {contract[wrong[0]]!r} as {wrong[0]}; {ADVICE}")


def _is_vocabulary(value: Mapping[str, Any]) -> bool:
    return (value["pad"], value["unknown"]) == (PAD, UNK) and value["padding_side"] == "right"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
