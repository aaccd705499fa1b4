"""SASRec: causal, blind to padding, aware of positions."""

from __future__ import annotations

import pytest
import torch

from tests.support.models import MAX_LENGTH, small_sasrec


def test_no_later_item_and_no_padding_reaches_an_earlier_position() -> None:
    model = small_sasrec(1, layers=2)
    items = torch.tensor([[3, 4, 5, 6, 7, 8]])
    changed = torch.tensor([[3, 4, 5, 9, 0, 0]])
    torch.testing.assert_close(model(items)[:, :3], model(changed)[:, :3])
    torch.testing.assert_close(model(changed)[:, :4], model(changed[:, :4]))
    assert not torch.allclose(model(items)[:, 3], model(changed)[:, 3])


def test_the_order_of_earlier_items_matters() -> None:
    model = small_sasrec(1)
    torch.nn.init.normal_(model.positions.weight)
    one_way, other_way = model(torch.tensor([[3, 4, 5]])), model(torch.tensor([[4, 3, 5]]))
    assert not torch.allclose(one_way[:, 2], other_way[:, 2], atol=1e-4)


def test_an_input_longer_than_the_learned_positions_is_an_error() -> None:
    model = small_sasrec(1)
    assert model.max_length == MAX_LENGTH
    with pytest.raises(IndexError):
        model(torch.ones(1, MAX_LENGTH + 1, dtype=torch.int64))


def test_without_layers_the_vector_of_an_item_is_scaled_and_its_position_added() -> None:
    model = small_sasrec(1, layers=0)
    vectors = model.item_embedding(torch.tensor([3, 4])) * 8**0.5 + model.positions.weight[:2]
    expected = torch.nn.functional.layer_norm(vectors, (8,))
    torch.testing.assert_close(model(torch.tensor([[3, 4]]))[0], expected)
