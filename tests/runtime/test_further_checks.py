"""A further graph that answers otherwise than it did where it was made is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime import verify
from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.further_checks import check_further_graphs
from slmrec.runtime.items import items_from_jsonl
from tests.runtime.bundle_edits import golden_arrays, reseal, write_golden

VECTORS = "item_vectors.safetensors"


def test_every_further_graph_that_is_known_is_checked(exported_bundle: Path) -> None:
    bundle = read_bundle(exported_bundle)
    bundle.contract["graphs"]["of_a_later_version"] = {"file": "model.onnx"}
    items = items_from_jsonl(bundle.files["items.jsonl"])
    assert check_further_graphs(bundle, items, "cpu", 1) == [
        "model_fp16",
        "model_int8",
        "serve_fixed",
        "step",
        "user_tower",
    ]


@pytest.mark.parametrize(
    "graph", ["serve_fixed.onnx", "user_tower.onnx", "step.onnx", "model_int8.onnx"]
)
def test_a_graph_of_another_bundle_is_refused(bundle: Path, graph: str) -> None:
    data = (bundle / graph).read_bytes()
    digest = hashlib.sha256((bundle / "contract.json").read_bytes()).hexdigest().encode()
    assert digest in data
    (bundle / graph).write_bytes(data.replace(digest, b"0" * 64))
    with pytest.raises(BundleError, match=rf"belongs to another graph: .* {graph} was made with 0"):
        verify(reseal(bundle), "cpu", 1)


@pytest.mark.parametrize("graph", ["serve_fixed.onnx", "user_tower.onnx", "step.onnx"])
def test_changed_weights_of_a_further_graph_fail_the_golden_cases(bundle: Path, graph: str) -> None:
    onnx = pytest.importorskip("onnx", exc_type=ImportError)
    model = onnx.load(bundle / graph)
    (weight,) = [one for one in model.graph.initializer if one.name.endswith("norm.weight")][-1:]
    values = np.frombuffer(weight.raw_data, dtype=np.float32) * np.float32(1.01)
    weight.raw_data = values.tobytes()
    onnx.save(model, bundle / graph)
    with pytest.raises(BundleError, match=rf"golden case \w+ of {graph}: (scores|vectors) differ"):
        verify(reseal(bundle), "cpu", 1)


@pytest.mark.parametrize("graph", ["model_int8.onnx", "model_fp16.onnx"])
def test_a_graph_in_fewer_bits_answers_within_its_own_tolerance(bundle: Path, graph: str) -> None:
    verify(bundle, "cpu", 1)
    onnx = pytest.importorskip("onnx", exc_type=ImportError)
    model = onnx.load(bundle / graph)
    (added,) = [one for one in model.graph.initializer if one.name == "added"]
    values = np.frombuffer(added.raw_data, dtype=np.float32).copy()
    values[9] += 100.0
    added.raw_data = values.tobytes()
    onnx.save(model, bundle / graph)
    with pytest.raises(BundleError, match=rf"golden case \w+ of {graph}: scores differ"):
        verify(reseal(bundle), "cpu", 1)


def test_golden_vectors_that_are_absent_or_of_another_shape_are_named(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    short = arrays | {"repeats.vector": arrays["repeats.vector"][:, 1:]}
    with pytest.raises(BundleError, match=r"golden case repeats of user_tower.onnx: the vector is"):
        verify(write_golden(bundle, short), "cpu", 1)
    del arrays["repeats.vector"]
    with pytest.raises(BundleError, match="lacks the vector of golden case repeats"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_a_golden_vector_that_is_not_a_number_is_no_agreement(bundle: Path) -> None:
    arrays = golden_arrays(bundle)
    arrays["repeats.vector"] = arrays["repeats.vector"] * np.float32(np.nan)
    with pytest.raises(BundleError, match=r"golden case repeats of user_tower\.onnx: vectors diff"):
        verify(write_golden(bundle, arrays), "cpu", 1)


def test_item_vectors_of_another_export_are_refused(bundle: Path) -> None:
    data = bytearray((bundle / VECTORS).read_bytes())
    data[-1] ^= 1
    (bundle / VECTORS).write_bytes(data)
    with pytest.raises(BundleError, match=r"item_vectors\.safetensors belongs to another graph"):
        verify(reseal(bundle), "cpu", 1)


@pytest.mark.parametrize(("key", "value"), [("width", 3), ("items", 5)])
def test_item_vectors_have_the_contracts_width_and_are_those_of_the_candidates(
    exported_bundle: Path, key: str, value: int
) -> None:
    bundle = read_bundle(exported_bundle)
    described = bundle.contract["graphs"]["user_tower"]["item_vectors"]
    if key == "width":
        described["width"] = value
    else:  # an item that is no candidate takes the place of one that is
        data = bytearray(bundle.files[VECTORS])
        at = 8 + int.from_bytes(data[:8], "little")
        start = at + json.loads(data[8:at])["items"]["data_offsets"][0]
        data[start + 40 : start + 48] = (7).to_bytes(8, "little")
        bundle.files[VECTORS] = bytes(data)
        described["sha256"] = hashlib.sha256(data).hexdigest()
    items = items_from_jsonl(bundle.files["items.jsonl"])
    with pytest.raises(BundleError, match="one for each item that can be recommended"):
        check_further_graphs(bundle, items, "cpu", 1)
