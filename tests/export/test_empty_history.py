"""Lists for whoever has no known item: what many have wanted lately, inside every graph."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from slmrec.core.vocabulary import FIRST_ITEM, PAD, UNK
from slmrec.export.contract import bundle_contract
from slmrec.export.empty_history import has_popularity, popularity_scores
from slmrec.export.graph import MODEL_ALONE, Additions, ServingGraph, export_graph
from slmrec.export.item_tables import candidates_of
from slmrec.export.parity import Parity, compare_on_grid
from slmrec.export.step_graph import StepGraph
from slmrec.runtime.comparison import TopK
from slmrec.runtime.session import open_session, run_graph
from tests.support.bundles import (
    MAX_LENGTH,
    PARAMS,
    RETIRED_ITEM,
    ROWS,
    served_items,
    small_graph,
    small_model,
)
from tests.support.histories import histories_of

CANDIDATES = torch.from_numpy(candidates_of(served_items()))
# The last items are the most popular, and the retired one more than any.
POPULARITY = torch.arange(float(ROWS)).index_fill(0, torch.tensor(RETIRED_ITEM), 99.0)
ADDITIONS = Additions(popularity=POPULARITY)
MOST_POPULAR = [item for item in reversed(range(FIRST_ITEM, ROWS)) if item != RETIRED_ITEM]
NOTHING = torch.zeros((1, 0), dtype=torch.long)
UNKNOWN = [
    pytest.param([PAD, PAD], id="nothing"),
    pytest.param([UNK], id="unknown"),
    pytest.param([UNK, -7, 10_000], id="outside the table"),
    pytest.param([5, *[UNK] * MAX_LENGTH], id="a known item too long ago"),
]


@functools.cache
def graph() -> onnx.ModelProto:
    return export_graph(small_model(), CANDIDATES, PARAMS.opset, ADDITIONS)


def answer(histories: list[list[int]], excluded: list[list[int]], k: int) -> TopK:
    session = open_session(graph().SerializeToString(), "cpu", 1)
    return run_graph(session, np.array(histories), np.array(excluded, dtype=np.int64), k)


@pytest.mark.parametrize("history", UNKNOWN)
def test_who_has_no_known_item_gets_the_popular_ones(history: list[int]) -> None:
    top = answer([history], [[]], 6)
    assert top.items[0].tolist() == MOST_POPULAR[:6]
    assert top.scores[0].tolist() == POPULARITY[MOST_POPULAR[:6]].tolist()


def test_exclusions_hold_and_other_rows_of_the_batch_are_the_models() -> None:
    first, second = MOST_POPULAR[:2]
    top = answer([[UNK, PAD], [5, 9]], [[first], [second]], 4)
    assert top.items[0].tolist() == [second, *MOST_POPULAR[2:5]]
    alone = ServingGraph(small_model(), CANDIDATES, MODEL_ALONE)
    with torch.inference_mode():
        items, scores = alone(torch.tensor([[5, 9]]), torch.tensor([[second]]), torch.tensor(4))
    assert top.items[1].tolist() == items[0].tolist()
    np.testing.assert_allclose(top.scores[1], scores[0].numpy(), rtol=1e-5)


@pytest.mark.parametrize("history", [[UNK, UNK], [UNK, 5], [5, UNK]])
def test_steps_become_the_models_with_the_first_known_item(history: list[int]) -> None:
    step = StepGraph(small_model(), CANDIDATES, ADDITIONS).eval()
    whole = ServingGraph(small_model(), CANDIDATES, ADDITIONS).eval()
    items, state = torch.zeros(1, MAX_LENGTH, dtype=torch.long), torch.zeros(1, *step.state_shape)
    with torch.inference_mode():
        for stop in (1, 2):
            event = torch.tensor([history[stop - 1 : stop]])
            best, _, items, state = step(event, NOTHING, torch.tensor(5), items, state)
            expected, _ = whole(torch.tensor([history[:stop]]), NOTHING, torch.tensor(5))
            assert best.tolist() == expected.tolist()


def test_parity_covers_it() -> None:
    run = functools.partial(run_graph, open_session(graph().SerializeToString(), "cpu", 1))
    right, wrong = Parity(CANDIDATES.numpy(), PARAMS), Parity(CANDIDATES.numpy(), PARAMS)
    compare_on_grid(small_model(), ADDITIONS, run, right)
    compare_on_grid(small_model(), MODEL_ALONE, run, wrong)
    right.check()
    assert wrong.max_difference > PARAMS.max_score_difference


def test_the_contract_says_what_the_graph_does() -> None:
    said = [
        bundle_contract(each, served_items(), MAX_LENGTH, True, 1e-4, {}, None)["behaviour"]
        for each in (graph(), small_graph())
    ]
    assert [text["empty_history"].split(",")[-1] for text in said] == [
        " gets the items that are popular among the newest training events",
        "a row of padding alone is read as one unknown item",
    ]
    assert not has_popularity(small_graph())


def test_the_newest_days_decide_and_all_days_among_equals() -> None:
    # An event an hour; the last two of a user are targets, no training events.
    sequence = [6] + [4] * 50 + [7, 7] + [5] * 10 + [6] * 10 + [3] * 3 + [2, 2]
    histories = histories_of([sequence], len(sequence))
    histories = replace(histories, times=histories.times * 3600 * 10**6)
    scores = popularity_scores(histories, ROWS, recent_days=1)
    best = scores.sort(descending=True, stable=True).indices[:6].tolist()
    assert best == [6, 5, 3, 7, 4, 0]  # 4 was last wanted more than a day before the newest
    assert scores[0] == 0
