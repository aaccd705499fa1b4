"""docs/contract.schema.json: what is exported fits it, and what the runtime refuses does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from slmrec.export.contract import bundle_contract
from slmrec.neighbours.blend import Blend, Term
from slmrec.neighbours.trend import Trend
from slmrec.runtime.bundle import CONTRACT_KEYS, FORMAT, INPUTS, OUTPUTS, read_bundle
from tests.runtime.bundle_edits import reseal
from tests.support.bundles import MAX_LENGTH, make_bundle, served_items, small_graph
from tests.support.project import ROOT, run

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "contract.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def faults(contract: dict[str, Any]) -> list[str]:
    """The keys, with dots between, at which a contract is not as the schema says."""
    found = [".".join(map(str, error.absolute_path)) for error in VALIDATOR.iter_errors(contract)]
    return sorted(found)


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    bundle_dir = make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")
    return read_bundle(bundle_dir).contract


def changed(contract: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A contract with another value at `path`; without it where the value is Ellipsis."""
    changed = copy.deepcopy(contract)
    *above, key = path.split("/")
    inner = changed
    for name in above:
        inner = inner[name]
    if value is ...:
        del inner[key]
    else:
        inner[key] = value
    return changed


def test_the_schema_is_one_and_of_the_format_that_is_written() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format"]["const"] == FORMAT
    assert SCHEMA["$id"].endswith(f":{FORMAT}")


def test_the_contract_of_a_bundle_fits_and_has_no_key_that_the_schema_leaves_out(
    contract: dict[str, Any],
) -> None:
    assert faults(contract) == []
    assert {*contract, "additions"} == set(SCHEMA["properties"])
    assert set(CONTRACT_KEYS) <= set(SCHEMA["required"])
    graph = SCHEMA["properties"]["graph"]["properties"]
    assert set(graph["inputs"]["required"]) == INPUTS == set(graph["inputs"]["properties"])
    assert set(graph["outputs"]["required"]) == OUTPUTS


def test_a_contract_with_neighbours_fits_and_a_key_may_be_added() -> None:
    terms = {"transitions": Term(0.5, 1e-3), "titles": Term(0.1, 1e-2)}
    blend = Blend(0.8, terms, Trend(0.1, 5.0, 0.75)).as_json()
    items = served_items()
    made = bundle_contract(small_graph(), items, MAX_LENGTH, True, 1e-4, {}, blend)
    assert faults(made) == []
    assert faults(changed(made, "neighbours/trend", None)) == []
    assert faults(changed(made, "neighbours/trend/smoothing", 0)) == ["neighbours"]
    assert faults({**made, "licence": "CC0"}) == []
    assert faults(changed(made, "neighbours/terms/titles/epsilon", 0)) == ["neighbours"]


# What a runtime could not go on with: the schema says so, and so does `slmrec verify`.
BREAKS = [
    *[(key, ..., "") for key in CONTRACT_KEYS],
    ("format", 3, "format"),
    ("max_length", 0, "max_length"),
    ("max_length", "50", "max_length"),
    ("exclude_seen", "yes", "exclude_seen"),
    ("tolerance", {"float32": 1.5}, "tolerance.float32"),
    ("minimum_runtime", {"onnxruntime": "new"}, "minimum_runtime.onnxruntime"),
    ("items/rows", 0, "items.rows"),
    ("graph/inputs/history", ..., "graph.inputs"),
    ("graph/inputs/user", {"dtype": "int64", "shape": []}, "graph.inputs"),
    ("graph/outputs/scores", ..., "graph.outputs"),
    ("graphs/serve_fixed/inputs/exclude", ..., "graphs.serve_fixed.inputs"),
    ("graphs/serve_fixed/file", "another.onnx", "graphs.serve_fixed.file"),
    ("graphs/model_int8/inputs/k", ..., "graphs.model_int8.inputs"),
    ("graphs/model_int8/tolerance", ..., "graphs.model_int8"),
    ("graphs/model_fp16/tolerance", 1.5, "graphs.model_fp16.tolerance"),
    ("graphs/step/inputs/state", ..., "graphs.step.inputs"),
    ("graphs/step/inputs/state/shape", ["batch", 6], "graphs.step.inputs.state.shape"),
    ("graphs/user_tower/outputs/vector", ..., "graphs.user_tower.outputs"),
    ("graphs/user_tower/item_vectors", ..., "graphs.user_tower"),
    ("graphs/user_tower/item_vectors/width", 0, "graphs.user_tower.item_vectors.width"),
    ("vocabulary/pad", 1, "vocabulary.pad"),
    ("vocabulary/padding_side", "left", "vocabulary.padding_side"),
]


@pytest.mark.parametrize(("path", "value", "fault"), BREAKS)
def test_what_breaks_a_runtime_is_refused_by_the_schema_and_by_verify(
    contract: dict[str, Any], tmp_path: Path, path: str, value: Any, fault: str
) -> None:
    from slmrec.runtime import BundleError, verify

    broken = changed(contract, path, value)
    assert faults(broken) == [fault]
    bundle_dir = make_bundle(tmp_path / "bundle")
    (bundle_dir / "contract.json").write_text(json.dumps(broken))
    with pytest.raises(BundleError) as error:
        verify(reseal(bundle_dir), "cpu", 1)
    assert path.split("/")[0] in str(error.value)  # and not only that the hash is another


def test_verify_says_it_in_one_line(contract: dict[str, Any], tmp_path: Path) -> None:
    bundle_dir = make_bundle(tmp_path / "bundle")
    (bundle_dir / "contract.json").write_text(json.dumps(changed(contract, "max_length", 0)))
    process = run(ROOT, "slmrec.cli", "verify", str(reseal(bundle_dir)), check=False)
    assert process.returncode == 6
    assert len(process.stderr.splitlines()) == 1
    assert "says 0 as max_length" in process.stderr
