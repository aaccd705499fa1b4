"""Ways to serve on a device are timed where their answers are the CPU's, and named where not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import gpu
from benchmarks.neighbour_cost import OPSET, student
from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.derived_graphs import fixed_list_graph
from slmrec.export.graph import export_graph
from slmrec.export.precisions import to_fp16
from slmrec.runtime.session import open_session
from tests.runtime.test_session import has_gpu

ITEMS, ROWS = 60, 3


@pytest.fixture(scope="module")
def graphs() -> tuple[bytes, bytes]:
    """A graph of lists of ten, and the same in fp16."""
    candidates = torch.arange(ITEMS + FIRST_ITEM) >= FIRST_ITEM
    fixed = fixed_list_graph(export_graph(student(ITEMS, 8), candidates, OPSET), gpu.LIST_LENGTH)
    return fixed.SerializeToString(), to_fp16(fixed).SerializeToString()


def histories(rows: int, seed: int) -> np.ndarray:
    shape = (rows, gpu.LENGTH)
    return np.random.default_rng(seed).integers(FIRST_ITEM, ITEMS + FIRST_ITEM, shape)


def test_bound_inputs_and_outputs_give_the_same_lists_call_after_call(
    graphs: tuple[bytes, bytes],
) -> None:
    session = open_session(graphs[0], "cpu", 1)
    bound = gpu.Bound(session, "cpu")
    for rows, seed in ((ROWS, 1), (ROWS, 2), (1, 3), (ROWS, 1)):
        history = histories(rows, seed)
        (expected,) = session.run(["items"], {"history": history, "exclude": history})
        assert np.array_equal(bound(history), expected)


def test_what_is_refused_or_answers_otherwise_is_named_and_not_timed(
    graphs: tuple[bytes, bytes],
) -> None:
    ways = gpu.ways_to_serve(*graphs, "cpu", ROWS)
    assert list(ways) == ["fp32", "fp32, bound"]
    timed: dict[tuple[gpu.Device, str], gpu.Serve | str] = {
        ("cpu", "fp32, CUDA graph"): "a node runs on the CPU",
        ("cpu", "fp16, bound"): lambda history: np.zeros((len(history), 10), dtype=np.int64),
    }
    timed |= {("cpu", way): serve for way, serve in ways.items()}
    session = open_session(graphs[0], "cpu", 1)
    rows = {row["way"]: row for row in gpu._in_turns(timed, session, histories(ROWS, 1), 2)}
    assert rows["fp32"]["same_lists"] == rows["fp32, bound"]["same_lists"] == 1.0
    assert rows["fp32"]["users_per_second"] > 0
    assert rows["fp32, CUDA graph"]["refused"] == "a node runs on the CPU"
    assert rows["fp16, bound"]["refused"] == "its lists are not the CPU's"
    assert "p50_ms" not in rows["fp16, bound"]


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_every_way_on_a_gpu_gives_the_lists_of_the_cpu(
    graphs: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu, "BATCHES", (1, ROWS))
    for row in gpu.measure_serving(ITEMS, 3, ["cuda"]):
        assert row.get("same_lists", 1.0) >= gpu.FEWEST_SAME[row["way"][:4]], row


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a CUDA device")
def test_a_gpu_trains_in_every_precision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(gpu, "USERS", 100)
    monkeypatch.chdir(tmp_path)
    rows = gpu.measure_training(ITEMS, ["cuda"])
    assert [row["precision"] for row in rows] == ["fp32", "bf16", "fp16"]
