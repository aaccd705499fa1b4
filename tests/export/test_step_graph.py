"""One more event costs one position and gives what the whole history gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from slmrec.core.vocabulary import FIRST_ITEM
from slmrec.export.graph import MODEL_ALONE, Additions, ServingGraph
from slmrec.export.step_graph import StepGraph
from slmrec.models.factory import SequenceModel
from slmrec.models.low_pass import LowPassShape
from slmrec.neighbours.blend import Blend, NeighbourScores, Term
from slmrec.neighbours.table import Neighbours
from tests.support.bundles import MAX_LENGTH, ROWS, small_model, small_sasrec
from tests.support.llm import ITEMS, decoder_from
from tests.support.neighbours import ring_table

CANDIDATES = torch.arange(ROWS) >= FIRST_ITEM
HISTORIES = torch.tensor([[5, 9, 3, 8, 2, 7], [4, 6, 0, 0, 0, 0], [7, 1, 99, -1, 11, 0]])


def nothing(rows: int) -> torch.Tensor:
    return torch.zeros(rows, 0, dtype=torch.long)


def by_item(best: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.zeros(1, ROWS).scatter(1, best, values)[0]


def lists_of_steps(graph: StepGraph, history: torch.Tensor, first: int) -> torch.Tensor:
    """Scores of every candidate after each event from `first` on, the ones before it at once."""
    items = torch.zeros(1, graph.state_shape[0], dtype=torch.long)
    state, scores = torch.zeros(1, *graph.state_shape), []
    chunks = [history[:first]] if first else []
    for events in [*chunks, *history[first:].split(1)]:
        best, values, items, state = graph(events[None], nothing(1), torch.tensor(99), items, state)
        scores.append(by_item(best, values))
    return torch.stack(scores[len(chunks) :])


def lists_of_wholes(graph: ServingGraph, history: torch.Tensor, first: int) -> torch.Tensor:
    scores = []
    for stop in range(first + 1, len(history) + 1):
        best, values = graph(history[None, :stop], nothing(1), torch.tensor(99))
        scores.append(by_item(best, values))
    return torch.stack(scores)


MODELS: dict[str, Callable[[], SequenceModel]] = {
    "decoder": small_model,
    "sasrec": lambda: small_sasrec(None),
    "filter of 2": lambda: small_sasrec(LowPassShape(0.5, 2)),
    "filter longer than the window": lambda: small_sasrec(LowPassShape(0.3, MAX_LENGTH + 3)),
}
any_model = pytest.mark.parametrize("model", MODELS)


@any_model
@pytest.mark.parametrize("first", [0, 1, 4])
@pytest.mark.parametrize("with_neighbours", [False, True])
def test_steps_give_what_the_whole_history_gives(
    model: str, first: int, with_neighbours: bool
) -> None:
    blend = Blend(0.5, {"graph": Term(1.0, 0.5)}, None)
    table = Neighbours({"graph": ring_table(ROWS)}, 3)
    neighbours = NeighbourScores(table, blend, torch.arange(ROWS) / 10) if with_neighbours else None
    step = StepGraph(MODELS[model](), CANDIDATES, Additions(neighbours)).eval()
    whole = ServingGraph(MODELS[model](), CANDIDATES, Additions(neighbours)).eval()
    with torch.inference_mode():
        steps = lists_of_steps(step, HISTORIES[0], first)
        wholes = lists_of_wholes(whole, HISTORIES[0], first)
    torch.testing.assert_close(steps, wholes, rtol=1e-4, atol=1e-5)


@any_model
def test_rows_of_different_lengths_do_not_disturb_each_other(model: str) -> None:
    step = StepGraph(MODELS[model](), CANDIDATES, MODEL_ALONE).eval()
    whole = ServingGraph(MODELS[model](), CANDIDATES, MODEL_ALONE).eval()
    items, state = torch.zeros(3, MAX_LENGTH, dtype=torch.long), torch.zeros(3, *step.state_shape)
    with torch.inference_mode():
        best, scores, items, _ = step(HISTORIES, nothing(3), torch.tensor(5), items, state)
        expected, expected_scores = whole(HISTORIES, nothing(3), torch.tensor(5))
    assert best.tolist() == expected.tolist()
    torch.testing.assert_close(scores, expected_scores, rtol=1e-4, atol=1e-5)
    # What is no item is unknown, as model.onnx reads it; padding leaves its places empty.
    assert items.tolist() == [[5, 9, 3, 8, 2, 7], [4, 6, 0, 0, 0, 0], [7, 1, 1, 1, 11, 0]]


@any_model
def test_a_full_window_fails_instead_of_answering(model: str) -> None:
    step = StepGraph(MODELS[model](), CANDIDATES, MODEL_ALONE).eval()
    full = torch.full((1, MAX_LENGTH), 5)
    with pytest.raises((IndexError, RuntimeError)):
        step(full[:, :1], nothing(1), torch.tensor(5), full, torch.zeros(1, *step.state_shape))


def test_a_prompt_stands_before_every_step(llm_dir: Path) -> None:
    decoder = decoder_from(llm_dir, prompt="bought then").eval()
    candidates = torch.arange(ITEMS) >= FIRST_ITEM
    history = torch.tensor([2, 3, 2, 4])
    with torch.inference_mode():
        steps = lists_of_steps(StepGraph(decoder, candidates, MODEL_ALONE).eval(), history, 0)
        wholes = lists_of_wholes(ServingGraph(decoder, candidates, MODEL_ALONE).eval(), history, 0)
    torch.testing.assert_close(steps, wholes, rtol=1e-4, atol=1e-5)


def test_a_state_of_zeros_is_that_of_a_user_without_events() -> None:
    step = StepGraph(small_model(), CANDIDATES, MODEL_ALONE)
    assert step.state_shape == (MAX_LENGTH, 2, 2, 2, 8)
    assert np.prod(step.state_shape) * 4 == 1536  # bytes a user
