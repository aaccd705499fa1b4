"""Writing a bundle: every file, readable by all, and the same bytes for the same content."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from slmrec.core.errors import BundleError
from slmrec.export.bundle_writer import bundle_files, json_bytes, write_bundle
from slmrec.runtime import verify
from slmrec.runtime.bundle import MANIFEST
from tests.runtime.bundle_edits import reseal
from tests.support.bundles import (
    METRICS,
    make_bundle,
    served_items,
    small_bundle_files,
    small_contract,
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def test_every_reader_may_read_the_files(bundle: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in bundle.iterdir()} == {0o644}


def test_the_same_files_give_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    again = make_bundle(tmp_path / "again")
    assert (again / MANIFEST).read_bytes() == (bundle / MANIFEST).read_bytes()


def test_a_bundle_names_no_place_of_the_machine_that_made_it(bundle: Path) -> None:
    places = [str(place).encode() for place in (Path.cwd(), Path.home(), sys.prefix, bundle)]
    contents = {file.name: file.read_bytes() for file in bundle.iterdir()}
    assert not [name for name, data in contents.items() for place in places if place in data]


def test_the_graph_carries_the_hashes_of_contract_and_item_table(bundle: Path) -> None:
    metadata = {entry.key: entry.value for entry in onnx.load(bundle / "model.onnx").metadata_props}
    for key, name in (("contract_sha256", "contract.json"), ("items_sha256", "items.jsonl")):
        digest = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
        assert metadata[f"slmrec.{key}"] == digest


def test_changed_weights_fail_the_golden_cases_even_under_a_fresh_manifest(bundle: Path) -> None:
    graph = onnx.load(bundle / "model.onnx")
    weight = next(weight for weight in graph.graph.initializer if weight.name == "columns")
    values = np.frombuffer(weight.raw_data, dtype=np.float32).copy()
    values[9] += 0.05  # one dimension of one item
    weight.raw_data = values.tobytes()
    onnx.save(graph, bundle / "model.onnx")
    with pytest.raises(BundleError, match=r"golden case .*(scores differ|spread is)"):
        verify(reseal(bundle), "cpu", 1)


def test_json_is_sorted_and_keeps_letters_as_they_are() -> None:
    assert json_bytes({"b": "é", "a": 1}).decode() == '{\n  "a": 1,\n  "b": "é"\n}\n'


def test_a_metric_that_is_not_a_number_stops_the_writing() -> None:
    broken = {**METRICS, "parity": {**METRICS["parity"], "same_top10": float("nan")}}
    with pytest.raises(ValueError, match="not JSON compliant"):
        bundle_files(b"graph", small_contract(), served_items(), broken, b"golden")


def test_each_file_holds_its_own_bytes(tmp_path: Path) -> None:
    files = replace(small_bundle_files(), metrics=b'{"of": "another run"}')
    write_bundle(files, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"of": "another run"}
    assert json.loads((tmp_path / "contract.json").read_text()) == small_contract()
    assert (tmp_path / "golden.npz").read_bytes() == files.golden
