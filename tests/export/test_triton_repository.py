"""A Triton model repository: whole or absent, and its graph gives the golden answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.export import triton_repository
from slmrec.export.triton_config import TritonModel
from slmrec.export.triton_repository import write_repository
from slmrec.runtime.golden import golden_inputs
from slmrec.runtime.session import open_session
from tests.runtime.bundle_edits import without_graph
from tests.support.bundles import MAX_LENGTH, PARAMS, ROWS, make_bundle, served_items
from tests.support.triton import fits, parsed_config

MODEL = TritonModel("films", "cpu", 2, 8, 500)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle; never to be changed."""
    return make_bundle(tmp_path_factory.mktemp("triton") / "bundle")


@pytest.fixture(scope="module")
def folder(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder in a repository of that bundle."""
    repository = tmp_path_factory.mktemp("repository")  # an empty folder will do
    write_repository(bundle, repository, MODEL)
    assert [entry.name for entry in repository.iterdir()] == ["films"]
    return repository / "films"


def test_the_graph_lies_in_a_version_and_the_table_for_clients_beside(
    bundle: Path, folder: Path
) -> None:
    assert (folder / "1/model.onnx").read_bytes() == (bundle / "serve_fixed.onnx").read_bytes()
    for name in ("items.jsonl", "contract.json"):
        assert (folder / name).read_bytes() == (bundle / name).read_bytes()
    assert folder.parent.stat().st_mode & 0o777 == 0o755


def test_every_warm_up_is_a_golden_history_as_raw_numbers(folder: Path) -> None:
    config = parsed_config(folder / "config.pbtxt")
    candidates = served_items().candidates
    golden = golden_inputs(ROWS, MAX_LENGTH, candidates, PARAMS.top, PARAMS.seed)
    assert {each.name for each in config.model_warmup} == {*golden, "full_batch"}
    for each in config.model_warmup:
        for name, tensor in each.inputs.items():
            data = (folder / "warmup" / tensor.input_data_file).read_bytes()
            assert len(data) == 8 * tensor.dims[0] > 0  # int64
            if each.name != "full_batch" and name == "history":
                row = golden[each.name].history[0]
                assert np.frombuffer(data, "<i8").tolist() == row.tolist()
    assert {each.batch_size for each in config.model_warmup} == {1, MODEL.max_batch}


def test_the_golden_request_fits_the_config_and_the_graph_gives_the_golden_answer(
    folder: Path,
) -> None:
    request = json.loads((folder / "golden_request.json").read_text())
    answer = json.loads((folder / "golden_answer.json").read_text())
    assert fits(request, parsed_config(folder / "config.pbtxt"))
    session = open_session((folder / "1/model.onnx").read_bytes(), "cpu", 1)
    arrays = {
        tensor["name"]: np.array(tensor["data"], np.int64).reshape(tensor["shape"])
        for tensor in request["inputs"]
    }
    actual = dict(zip(("items", "scores"), session.run(["items", "scores"], arrays), strict=True))
    for tensor in answer["outputs"]:
        rows, k = tensor["shape"]
        expected = np.array(tensor["data"], np.float64).reshape(rows, k)
        np.testing.assert_allclose(actual[tensor["name"]][:, :k], expected, rtol=1e-4, atol=1e-4)
    assert answer["model_name"] == "films" and rows == 5 and k == PARAMS.top


def test_the_golden_request_has_no_more_rows_than_a_batch(bundle: Path, tmp_path: Path) -> None:
    write_repository(bundle, tmp_path / "new", replace(MODEL, max_batch=2))
    folder = tmp_path / "new/films"
    request = json.loads((folder / "golden_request.json").read_text())
    assert fits(request, parsed_config(folder / "config.pbtxt"))
    assert {tensor["shape"][0] for tensor in request["inputs"]} == {2}


def test_a_folder_that_holds_something_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    for path in (tmp_path / "mine", tmp_path / "mine/thesis.txt"):
        with pytest.raises(UsageError, match="is not an empty folder; name a new one"):
            write_repository(bundle, path, MODEL)
    assert (tmp_path / "mine/thesis.txt").read_text() == "mine"


def cut_short(bundle: Path) -> None:
    (bundle / "serve_fixed.onnx").write_bytes(b"cut")


def without_fixed(bundle: Path) -> None:
    without_graph(bundle, "serve_fixed")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(cut_short, "was altered"), (without_fixed, r"no graph serve_fixed, .* export_onnx\.graphs")],
)
def test_a_bundle_that_will_not_do_leaves_nothing(
    bundle: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoilt = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    spoil(spoilt)
    with pytest.raises(BundleError, match=message):
        write_repository(spoilt, tmp_path / "new", MODEL)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bundle"]


def test_what_stops_in_the_middle_leaves_nothing(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(triton_repository, "config_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_repository(bundle, tmp_path / "new", MODEL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../films", "a b", ".films"])
def test_a_name_that_is_no_folder_is_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="give letters, digits, - and _"):
        write_repository(bundle, tmp_path / "new", replace(MODEL, name=name))
