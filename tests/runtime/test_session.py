"""A session runs where it was asked to, or says why it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from slmrec.core.errors import BundleError, UnavailableError
from slmrec.runtime import Recommender, verify
from slmrec.runtime import session as session_module
from slmrec.runtime.session import open_session, place_session, run_graph
from tests.runtime.bundle_edits import reseal


def has_gpu() -> bool:
    try:
        return (
            subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


def test_the_graph_gives_items_and_their_scores_best_first(exported_bundle: Path) -> None:
    session = open_session((exported_bundle / "model.onnx").read_bytes(), "cpu", 1)
    top = run_graph(session, np.array([[5, 9], [3, 0]]), np.zeros((2, 0), dtype=np.int64), 4)
    assert top.items.shape == top.scores.shape == (2, 4)
    assert top.items.dtype == np.int64 and top.scores.dtype == np.float32
    assert (np.diff(top.scores, axis=1) <= 0).all()


def test_a_graph_that_is_not_one_is_refused(bundle: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(BundleError, match=r"does not load model\.onnx"):
        Recommender(reseal(bundle), "cpu", 1)


def test_a_graph_that_onnxruntime_cannot_even_name_in_its_error_is_refused(
    exported_bundle: Path,
) -> None:
    graph = (exported_bundle / "model.onnx").read_bytes()
    assert b"GatherElements" in graph
    with pytest.raises(BundleError, match=r"does not load model\.onnx: .*can't decode"):
        open_session(graph.replace(b"GatherElements", b"Gather\xffElement"), "cpu", 1)


@pytest.mark.skipif(has_gpu(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_an_error_and_never_the_cpu_in_silence(
    exported_bundle: Path,
) -> None:
    with pytest.raises(
        UnavailableError,
        match="cuda was asked for, but onnxruntime would run on CPUExecutionProvider",
    ):
        Recommender(exported_bundle, "cuda", 1)


def test_a_session_that_lands_elsewhere_is_refused(
    exported_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda _self: ["AzureExecutionProvider"]
    )
    with pytest.raises(
        UnavailableError,
        match="cpu was asked for, but onnxruntime would run on AzureExecutionProvider",
    ):
        Recommender(exported_bundle, "cpu", 1)


@pytest.mark.skipif(has_gpu(), reason="needs a machine without a GPU")
def test_auto_takes_the_cpu_where_there_is_no_gpu_and_says_so(exported_bundle: Path) -> None:
    recommender = Recommender.load(exported_bundle, "auto", 1)
    assert recommender.device == "cpu"
    assert recommender.device_reason in (
        "there is no CUDA device",
        "this build of onnxruntime has no CUDA",
    )


def test_auto_takes_the_cpu_where_cuda_does_not_work_and_says_why(
    exported_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_cuda_obstacle", lambda: None)
    monkeypatch.setattr(
        onnxruntime.InferenceSession, "get_providers", lambda _self: ["CPUExecutionProvider"]
    )
    placed = place_session((exported_bundle / "model.onnx").read_bytes(), "auto", 1)
    assert placed.device == "cpu"
    assert placed.reason.startswith("cuda was asked for, but onnxruntime would run on CPU")


def test_two_builds_of_onnxruntime_are_named_where_a_device_does_not_run(
    exported_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        session_module, "installed_builds", lambda: ["onnxruntime", "onnxruntime-gpu"]
    )
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _self: ["Azure"])
    with pytest.raises(UnavailableError, match="onnxruntime and onnxruntime-gpu overwrite each"):
        Recommender(exported_bundle, "cpu", 1)


def test_a_session_does_not_keep_the_bytes_it_was_made_of(exported_bundle: Path) -> None:
    graph = (exported_bundle / "model.onnx").read_bytes()
    before = sys.getrefcount(graph)
    session = open_session(graph, "cpu", 1)
    assert sys.getrefcount(graph) == before
    assert run_graph(session, np.array([[5]]), np.array([[0]]), 1).items.shape == (1, 1)


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_auto_takes_a_gpu_that_works(exported_bundle: Path) -> None:
    assert Recommender.load(exported_bundle, "auto", None).device == "cuda"


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_a_gpu_gives_the_golden_answers(exported_bundle: Path, recommender: Recommender) -> None:
    result = verify(exported_bundle, "cuda", None)
    assert result.max_difference < recommender.contract["tolerance"]["float32"]


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_a_gpu_recommends_what_the_cpu_does(
    exported_bundle: Path, recommender: Recommender
) -> None:
    histories = [
        [f"i{2 + (5 * place + step) % 40}" for step in range(1 + place % 9)] for place in range(64)
    ]
    on_cpu = recommender.recommend(histories, 10, exclude_seen=True)
    on_gpu = Recommender(exported_bundle, "cuda", None).recommend(histories, 10, exclude_seen=True)
    ids = [[[item.item for item in row] for row in lists] for lists in (on_cpu, on_gpu)]
    assert ids[0] == ids[1]
