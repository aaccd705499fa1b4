"""Every cell of the compression table is measured, each with its own shape and precision."""

from __future__ import annotations

from argparse import Namespace

import pytest

from benchmarks import compression
from benchmarks.compression import Row, as_texts, ndcg_on_test, precisions, rows
from benchmarks.graph_scorer import GraphScorer
from slmrec.dataset.histories import Histories
from slmrec.models.llama import LlamaRecommender
from slmrec.ranking.candidates import candidate_mask
from tests.support import bundles
from tests.support.histories import histories_of


def test_every_number_of_layers_meets_every_share_of_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measure(model: LlamaRecommender, histories: Histories, p: Namespace) -> dict[str, Row]:
        return {"fp32": {"feed_forward": model.shape.feed_forward}}

    monkeypatch.setattr(compression, "measure", measure)
    p = Namespace(layers=[2, 1], channels=[1.0, 0.5])
    table = list(rows(bundles.small_model(), histories_of([[2, 3, 4]], 6), p))
    assert [(row["layers"], row["channels"], row["feed_forward"]) for row in table] == [
        (2, 1.0, 24),
        (2, 0.5, 12),  # half of 24 channels
        (1, 1.0, 24),
        (1, 0.5, 12),
    ]
    parameters = [row["parameters"] for row in table]
    assert sorted(parameters, reverse=True) == [parameters[at] for at in (0, 1, 2, 3)]


def test_int8_is_measured_where_it_runs() -> None:
    assert list(precisions(bundles.small_graph(), "cpu")) == ["fp32", "int8", "fp16"]
    assert list(precisions(bundles.small_graph(), "cuda")) == ["fp32", "fp16"]


def test_ndcg_is_that_of_the_graphs_own_ranking() -> None:
    histories = histories_of([[5, 9, 3, 11], [4, 6, 8, 10]], bundles.MAX_LENGTH)
    scorer = GraphScorer(bundles.small_session(), histories, bundles.ROWS, bundles.MAX_LENGTH)
    candidates = candidate_mask(bundles.ROWS, histories.items)
    figure = ndcg_on_test(scorer, histories, histories.targets["test"], candidates)
    assert 0 < figure <= 1  # two targets among seven candidates are always within the ten best


def test_fractions_are_printed_with_four_digits() -> None:
    row = {"layers": 2, "ndcg@10": 0.123456, "precision": "fp32"}
    assert as_texts(row) == {"layers": "2", "ndcg@10": "0.1235", "precision": "fp32"}
