"""Pruning leaves out the feed-forward channels of least magnitude and nothing else."""

from __future__ import annotations

import torch

from benchmarks.pruning import channel_magnitudes, prune
from slmrec.models.factory import new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.params.decoder import DecoderParams

SHAPE = DecoderParams(
    kind="config", layers=2, width=16, heads=2, key_value_heads=2, feed_forward=10
)


def decoder() -> LlamaRecommender:
    torch.manual_seed(1)
    embedding = ItemEmbedding(torch.ones(12, dtype=torch.bool), 8, None, 0.0)
    return new_decoder(embedding, SHAPE, 0.0, 0.0, 10).eval()


def test_with_all_channels_it_is_the_same_model() -> None:
    items = torch.randint(1, 12, (2, 5))
    torch.testing.assert_close(prune(decoder(), 1.0)(items), decoder()(items))


def test_channels_that_contribute_nothing_go_first_and_cost_nothing() -> None:
    model, items = decoder(), torch.randint(1, 12, (2, 5))
    with torch.no_grad():
        for name, weight in model.layers.named_parameters():
            if "down_proj" in name:
                weight[:, [1, 4, 5, 9]] = 0
    thin = prune(model, 0.6)
    assert thin.shape.feed_forward == 6
    torch.testing.assert_close(thin(items), model(items))


def test_a_channels_magnitude_is_the_product_of_its_weights_norms() -> None:
    gate = torch.tensor([[3.0, 4.0]])  # 5
    up = torch.tensor([[0.0, 2.0]])  # 2
    down = torch.tensor([[1.0], [0.0]])  # 1
    assert channel_magnitudes(gate, up, down).tolist() == [5 * 2 * 1]
