"""The low-pass filter: means of the newest states, nothing of later ones, and what is learned."""

from __future__ import annotations

import pytest
import torch

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.low_pass import LowPass, LowPassShape, states_at
from slmrec.models.sasrec import SASRec

STATES = torch.tensor([[[1.0], [3.0], [8.0], [6.0]]])  # (1, 4, 1)


def filtered(high: float, span: int) -> list[float]:
    low_pass = LowPass(1, LowPassShape(share=0.5, span=span))
    with torch.no_grad():
        low_pass.high.fill_(high)
        return [round(value, 4) for value in low_pass(STATES).flatten().tolist()]


def test_it_is_the_mean_of_the_newest_states_and_of_fewer_where_fewer_are() -> None:
    assert filtered(0.0, span=3) == [1.0, 2.0, 4.0, 5.6667]
    assert filtered(0.0, span=9) == [1.0, 2.0, 4.0, 4.5]


def test_what_differs_from_the_mean_is_added_as_much_as_is_learned() -> None:
    assert filtered(1.0, span=3) == STATES.flatten().tolist()
    assert filtered(0.5, span=3) == [1.0, 2.5, 6.0, 5.8333]


def test_a_layer_gets_its_share_of_the_filter_and_the_rest_of_attention() -> None:
    low_pass = LowPass(1, LowPassShape(share=0.25, span=2))
    mixed = low_pass.mixed(torch.full((1, 4, 1), 8.0), low_pass(STATES)).flatten().tolist()
    assert mixed == [6.25, 6.5, 7.375, 7.75]


@pytest.mark.parametrize("span", [2, 3, 9])
def test_at_some_places_it_is_what_it_is_for_the_whole_sequence(span: int) -> None:
    torch.manual_seed(0)
    low_pass, states = LowPass(2, LowPassShape(share=0.5, span=span)), torch.randn(3, 6, 2)
    torch.nn.init.normal_(low_pass.high)
    places = torch.tensor([[0, 5], [3, 1], [5, 5]])
    expected = states_at(low_pass(states), places)
    torch.testing.assert_close(low_pass.at(states, places), expected)


def test_no_position_reads_a_later_one() -> None:
    torch.manual_seed(0)
    embedding = ItemEmbedding(torch.ones(12, dtype=torch.bool), 8, None, 0.0)
    model = SASRec(embedding, 2, 2, 16, 0.0, 6, LowPassShape(share=0.5, span=3)).eval()
    items = torch.tensor([[5, 9, 3, 8]])
    changed = torch.tensor([[5, 9, 3, 7]])
    with torch.inference_mode():
        before, after = model(items), model(changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert not torch.allclose(before[:, 3], after[:, 3])
