"""Pruning leaves out the feed-forward channels of least magnitude and nothing else."""

from __future__ import annotations

import torch

from benchmarks.pruning import channel_magnitudes, pruned
from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.params.decoder import DecoderParams

SHAPE = DecoderParams(
    kind="config", layers=2, width=16, heads=2, key_value_heads=2, feed_forward=10
)


def decoder():
    torch.manual_seed(1)
    return new_decoder(
        ItemEmbedding(torch.ones(12, dtype=torch.bool), 8, None, 0.0), SHAPE, 0.0, 0.0, 10
    ).eval()


def test_all_channels_kept_is_the_same_model():
    items = torch.randint(1, 12, (2, 5))
    torch.testing.assert_close(pruned(decoder(), 1.0)(items), decoder()(items))


def test_channels_that_contribute_nothing_go_first_and_cost_nothing():
    model, items = decoder(), torch.randint(1, 12, (2, 5))
    with torch.no_grad():
        for name, weight in model.layers.named_parameters():
            if "down_proj" in name:
                weight[:, [1, 4, 5, 9]] = 0
    thin = pruned(model, 0.6)
    assert thin.shape.feed_forward == 6
    torch.testing.assert_close(thin(items), model(items))


def test_a_channels_magnitude_is_the_product_of_its_weights_lengths():
    gate, up, down = (
        torch.tensor([[3.0, 4.0]]),
        torch.tensor([[0.0, 2.0]]),
        torch.tensor([[1.0], [0.0]]),
    )
    assert channel_magnitudes(gate, up, down).tolist() == [5 * 2 * 1]
