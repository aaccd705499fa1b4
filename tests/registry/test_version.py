"""A version's number says what a change of the bundle asks of its consumers."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from slmrec.registry.version import (
    MAJOR,
    MINOR,
    PATCH,
    Interface,
    Version,
    changes,
    level_of,
)
from slmrec.runtime.bundle import read_bundle
from tests.support.bundles import make_bundle, small_contract

OLD = Interface(small_contract(), ["a", "b", "c"], frozenset({"model.onnx", "items.jsonl"}))


def test_versions_are_ordered_as_numbers_and_only_numbers_are_versions() -> None:
    assert Version(1, 10, 0) > Version(1, 9, 3)
    assert str(Version(1, 10, 0)) == "1.10.0"
    assert Version.parse("1.10.0") == Version(1, 10, 0)
    for text in ("current", "1.0", "1.0.0.1", ".1.0.0.77.tmp", "01.0.0", "1.0.0-rc1", ""):
        assert Version.parse(text) is None


@pytest.mark.parametrize(
    ("level", "number"), [(PATCH, "1.4.3"), (MINOR, "1.5.0"), (MAJOR, "2.0.0")]
)
def test_a_part_that_moves_sets_those_behind_it_to_zero(level: int, number: str) -> None:
    assert str(Version(1, 4, 2).after(level)) == number


def test_the_same_contract_and_ids_are_a_patch() -> None:
    assert changes(OLD, OLD) == []
    assert level_of([]) == PATCH


@pytest.mark.parametrize(
    ("ids", "level", "what"),
    [
        (["a", "b", "c", "d", "e"], MINOR, "ids: 2 items are appended"),
        (["a", "b"], MAJOR, "ids: the last 1 items are gone"),
        (["a", "x", "c", "b"], MAJOR, "ids: index 3 was 'b', is 'x'"),
    ],
)
def test_ids_are_append_only_or_the_major_version_moves(
    ids: list[str], level: int, what: str
) -> None:
    (change,) = changes(OLD, replace(OLD, ids=ids))
    assert (change.level, change.what) == (level, what)


def changed(path: str, value: Any) -> Interface:
    """The old interface with one value of its contract set; None takes it away."""
    contract = copy.deepcopy(OLD.contract)
    *keys, last = path.split(".")
    section = contract
    for key in keys:
        section = section[key]
    if value is None:
        del section[last]
    else:
        section[last] = value
    return replace(OLD, contract=contract)


@pytest.mark.parametrize(
    ("path", "value", "level"),
    [
        ("format", 99, MAJOR),
        ("exclude_seen", "never", MAJOR),
        ("minimum_runtime.onnxruntime", "9.9", MAJOR),
        ("vocabulary.pad", 7, MAJOR),
        ("vocabulary.pad", None, MAJOR),
        ("graph.inputs.history.dtype", "int32", MAJOR),
        ("graph.inputs.weights", {"dtype": "float32"}, MAJOR),  # every input has to be given
        ("graph.outputs.items", None, MAJOR),
        ("graph.outputs.vector", {"dtype": "float32"}, MINOR),  # none has to be taken
        ("max_length", 100, MINOR),
        ("precision", "float16", MINOR),
        ("tolerance", {"float16": 0.1}, MINOR),
        ("graph.opset", {"ai.onnx": 20}, MINOR),
        ("graphs.serve_fixed.opset", {"ai.onnx": 20}, MINOR),
        ("graphs.model_int8.tolerance", 0.1, MINOR),
        ("graphs.model_int8", None, MAJOR),
        ("graphs.serve_fixed.outputs.items.shape", ["batch", 7], MAJOR),
        ("graphs.serve_fixed.inputs.weights", {"dtype": "float32"}, MAJOR),
        ("graphs.serve_fixed", None, MAJOR),
        ("graphs.other", {"file": "other.onnx", "inputs": {"history": {"dtype": "int64"}}}, MINOR),
        ("graphs.serve_fixed.neighbours", True, PATCH),  # learnt, as weights are
        ("graphs.user_tower.item_vectors.rows", 7, PATCH),
        ("graphs.user_tower.item_vectors.width", 7, MAJOR),
        ("signals", "clock", MINOR),
        ("behaviour.k", "said otherwise", MINOR),
        ("version", "9.0", PATCH),
        ("inputs_sha256.student", "another", PATCH),
        ("items.candidates", 1, PATCH),
        ("neighbours", {"decay": 0.5}, PATCH),
    ],
)
def test_a_change_of_the_contract_moves_the_part_that_it_has_to(
    path: str, value: Any, level: int
) -> None:
    found = changes(OLD, changed(path, value))
    assert level_of(found) == level
    assert bool(found) == (level != PATCH)


def test_a_file_more_is_minor_and_a_file_less_is_major() -> None:
    more = replace(OLD, files=OLD.files | {"vectors.npz"})
    assert [change.what for change in changes(OLD, more)] == ["vectors.npz is added"]
    assert level_of(changes(OLD, more)) == MINOR
    assert level_of(changes(more, OLD)) == MAJOR


def test_the_gravest_change_comes_first(tmp_path: Any) -> None:
    both = replace(changed("format", 99), ids=["a", "b", "c", "d"])
    assert [change.level for change in changes(OLD, both)] == [MAJOR, MINOR]


def test_the_interface_of_a_bundle_leaves_the_verdict_aside(tmp_path: Any) -> None:
    bundle = read_bundle(make_bundle(tmp_path / "bundle"))
    published = replace(bundle, files=bundle.files | {"gate.json": b"{}"})
    assert Interface.of(bundle) == Interface.of(published)
    assert list(Interface.of(bundle).ids[:2]) == ["i2", "i3"]
