"""Parity: it holds for a right graph, and names the culprit of a wrong one before anything is written."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
import torch

from slmrec.core import tables
from slmrec.core.errors import DataError, PromiseError
from slmrec.core.files import write_json
from slmrec.core.vocabulary import PAD
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity, compare_on_grid, dense
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import save_model
from slmrec.params.compute import ComputeParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.export_onnx import ExportParams
from slmrec.params.section import TopSection
from slmrec.runtime.comparison import Answer, compare, distance, scores_within
from slmrec.runtime.golden import Answering
from slmrec.runtime.items import ACTIVE, RETIRED
from slmrec.runtime.recommender import verify
from slmrec.runtime.session import answer, open_session
from slmrec.stages import export_onnx
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    ROWS,
    scores_in_torch,
    served_items,
    small_graph,
    small_model,
    small_session,
)
from tests.support.histories import ring_histories

CANDIDATES = candidates_of(served_items())
JUDGED = EvaluateParams(
    seed=4, negatives=9, bootstrap=50, recent_days=30, short_history=3, tail_share=0.2
)


def whole_graph() -> Answering:
    return functools.partial(answer, small_session())


def changed_graph(name: str, place: int, by: float) -> Answering:
    """The small graph with one number of one weight changed."""
    graph = onnx.ModelProto()
    graph.CopyFrom(small_graph())
    weight = next(
        weight
        for weight in graph.graph.initializer
        if weight.name == name or (name == "feed_forward" and list(weight.dims) == [16, 24])
    )
    values = np.frombuffer(weight.raw_data, dtype=np.float32).copy()
    values[place] += by
    weight.raw_data = values.tobytes()
    return functools.partial(answer, open_session(graph.SerializeToString(), "cpu", 1))


def on_grid(answering: Answering, p: ExportParams = PARAMS) -> Parity:
    parity = Parity(CANDIDATES, p)
    compare_on_grid(small_model(), answering, parity)
    return parity


def test_a_right_graph_agrees_over_every_batch_size_and_length():
    parity = on_grid(whole_graph())
    parity.check()
    assert parity.rows == sum(PARAMS.batches) * len(PARAMS.lengths)
    assert 0 < parity.worst < PARAMS.max_score_difference
    assert parity.identical == parity.rows


@pytest.mark.parametrize("name", ["columns", "vectors.model.item_embedding.rows", "feed_forward"])
def test_a_changed_weight_stops_the_export_and_the_message_names_where(name):
    parity = on_grid(changed_graph(name, 25, 0.05))
    where = r"at batch \d+ x length \d+, row \d+, item index \d+: torch .*, graph .*; torch 2"
    with pytest.raises(PromiseError, match=rf"differ by .*; {where}"):
        parity.check()


def test_the_culprit_is_the_very_item_whose_weight_was_changed():
    # columns is (width, items): place 25 is dimension 0 of item 25, and nothing else reads it.
    assert "item index 25" in on_grid(changed_graph("columns", 25, 0.05)).where


def test_a_graph_that_forgets_to_mask_is_caught():
    # Padding gets a finite score: the list of all candidates then holds an item that must not be
    # there.
    parity = Parity(CANDIDATES, PARAMS)
    expected = scores_in_torch([5, 9])[None]
    found = np.where(CANDIDATES, expected, -np.inf)
    found[0, PAD] = 1.0
    parity.add(expected, found, "a made case")
    with pytest.raises(PromiseError, match="item index 0: torch -inf, graph 1"):
        parity.check()


def test_a_score_that_is_not_a_number_is_caught():
    parity = Parity(CANDIDATES, PARAMS)
    expected = scores_in_torch([5, 9])[None]
    found = np.where(CANDIDATES, expected, -np.inf)
    found[0, 12] = np.nan
    parity.add(expected, found, "a made case")
    with pytest.raises(PromiseError, match=r"item index 12: .* graph nan"):
        parity.check()


def made_scores(first: float, second: float) -> np.ndarray:
    """Scores of 42 rows whose two best candidates, items 2 and 3, score `first` and `second`; spread about 1."""
    scores = np.linspace(-3, 0, ROWS)[None].copy()
    scores[0, 2], scores[0, 3] = first, second
    return np.where(CANDIDATES, scores, -np.inf)


def test_near_ties_that_change_places_are_counted_apart_from_identical_lists():
    parity = Parity(CANDIDATES, PARAMS)
    parity.add(made_scores(5.0, 5.000005), made_scores(5.000005, 5.0), "a near-tie")
    assert (parity.identical, parity.near_ties) == (0, 1)
    assert parity.as_json()["same_top10"] == 0.0
    parity.check()


def test_lists_that_differ_by_more_than_near_ties_stop_the_export():
    # Each score is within the tolerance, but the two items are seven times further apart than a
    # tie.
    parity = Parity(CANDIDATES, PARAMS)
    parity.add(made_scores(5.0, 5.00007), made_scores(5.00007, 5.0), "a swap")
    assert parity.worst < PARAMS.max_score_difference
    with pytest.raises(PromiseError, match=r"only 0\.0000 of 1 rows have the same 10 best items"):
        parity.check()


def test_differences_are_shares_of_the_spread():
    expected, found = (
        Answer(np.array([[2, 3]]), np.array([[4.0, 2.0]])),
        Answer(np.array([[2, 3]]), np.array([[4.5, 2.0]])),
    )
    agreement = compare(
        expected, found, scores_within(found.items, expected), np.array([2.0]), 1e-4
    )
    assert agreement.difference.tolist() == [0.5 / 2.0]


def test_two_scores_of_minus_infinity_do_not_differ_and_one_does():
    left, right = np.array([-np.inf, -np.inf, 1.0]), np.array([-np.inf, 0.0, np.nan])
    assert distance(left, right).tolist() == [0.0, np.inf, np.inf]


def test_a_list_of_all_candidates_becomes_scores_by_item():
    scores = dense(
        Answer(np.array([[3, 2, PAD]]), np.array([[0.5, 0.25, -np.inf]], dtype=np.float32)), 5
    )
    assert scores.tolist() == [[-np.inf, -np.inf, 0.25, 0.5, -np.inf]]


def test_the_graphs_own_quality_and_parity_are_measured():
    # 40 users who walk a ring of the items have one target each, beside the rows of the grid.
    histories = ring_histories(40, ROWS - 2, MAX_LENGTH)
    own = export_onnx.measure(
        small_model(), whole_graph(), Parity(CANDIDATES, PARAMS), histories, JUDGED
    )
    assert set(own["models"]["student_onnx"]) >= {"full", "sampled", "ci95", "slices", "parameters"}
    assert own["parity"]["rows"] == 40 + sum(PARAMS.batches) * len(PARAMS.lengths)
    assert own["parity"]["same_top10"] == 1.0
    assert json.loads(json.dumps(own)) == own


def test_a_student_that_does_not_fit_the_item_table_is_refused():
    table = ItemEmbedding(torch.ones(ROWS + 1, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(table, 1, 2, 8, 0.0, MAX_LENGTH)
    with pytest.raises(
        DataError, match=f"the student knows {ROWS + 1} rows, items.parquet has {ROWS}"
    ):
        export_onnx.export_onnx(model, served_items(), {}, PARAMS)


@pytest.fixture
def inputs(tmp_path: Path) -> list[Path]:
    """What the stage reads: events, histories, student, evaluation; small, but as earlier stages leave them."""
    served = served_items()
    items = {
        "item_index": range(2, ROWS),
        "item": served.ids,
        "title": served.titles,
        "first_time": None,
    }
    events = [int(status == ACTIVE) for status in served.statuses]
    titles = pl.Series(
        [
            None if status == RETIRED else title
            for status, title in zip(served.statuses, served.titles, strict=True)
        ]
    )
    (tmp_path / "events").mkdir()
    table = pl.DataFrame({**items, "title": titles, "events": events}, schema=tables.ITEMS)
    table.write_parquet(tmp_path / "events" / "items.parquet")
    (tmp_path / "histories").mkdir()
    save_model(small_model(), tmp_path / "student" / "student")
    write_json(tmp_path / "evaluation.json", {"protocol": {}, "models": {}, "paired": {}})
    return [tmp_path / name for name in ("events", "histories", "student", "evaluation.json")]


@pytest.fixture
def small_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage as it stands, on made histories and the parameters of this file."""
    sections = {
        "compute": ComputeParams(device="cpu", threads=1, processes=1, precision="fp32"),
        "export_onnx": PARAMS,
        "evaluate": JUDGED,
    }
    monkeypatch.setattr(TopSection, "read", classmethod(lambda section: sections[section.KEY]))
    monkeypatch.setattr(
        export_onnx, "read_histories", lambda _path: ring_histories(40, ROWS - 2, MAX_LENGTH)
    )
    # The same model was exported already: tests/test_graph.py proves that another export gives the
    # same bytes.
    monkeypatch.setattr(export_onnx, "export_graph", lambda *_arguments: small_graph())
    # Deterministic kernels for the whole process would reach into other tests.
    monkeypatch.setattr(export_onnx, "start_torch", lambda _p: None)


@pytest.mark.usefixtures("small_stage")
def test_the_stage_leaves_a_bundle_that_verifies_and_its_metrics(inputs, tmp_path):
    bundle, metrics = tmp_path / "bundle", tmp_path / "bundle.json"
    export_onnx.main(*inputs, bundle=bundle, metrics=metrics)
    assert verify(bundle, "cpu", 1).worst == 0.0
    assert (
        json.loads((bundle / "metrics.json").read_text())["parity"]
        == json.loads(metrics.read_text())["parity"]
    )


@pytest.mark.usefixtures("small_stage")
def test_the_chosen_student_is_served_and_one_that_was_not_made_is_refused(
    inputs, tmp_path, monkeypatch
):
    chosen = {
        "export_onnx": PARAMS.model_copy(update={"model": "student_narrow"}),
        "evaluate": JUDGED,
    }
    compute = ComputeParams(device="cpu", threads=1, processes=1, precision="fp32")
    sections = chosen | {"compute": compute}
    monkeypatch.setattr(TopSection, "read", classmethod(lambda section: sections[section.KEY]))
    bundle, metrics = tmp_path / "bundle", tmp_path / "bundle.json"
    with pytest.raises(DataError, match=r"set distill_student\.narrow"):
        export_onnx.main(*inputs, bundle=bundle, metrics=metrics)
    (tmp_path / "student" / "student").rename(tmp_path / "student" / "student_narrow")
    export_onnx.main(*inputs, bundle=bundle, metrics=metrics)
    assert verify(bundle, "cpu", 1).worst == 0.0


@pytest.mark.usefixtures("small_stage")
def test_nothing_is_written_when_parity_fails(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(
        export_onnx,
        "answer",
        lambda *_arguments: changed_graph("columns", 25, 0.05)(*_arguments[1:]),
    )
    bundle, metrics = tmp_path / "bundle", tmp_path / "bundle.json"
    with pytest.raises(PromiseError, match="nothing was written"):
        export_onnx.main(*inputs, bundle=bundle, metrics=metrics)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "evaluation.json",
        "events",
        "histories",
        "student",
    ]
