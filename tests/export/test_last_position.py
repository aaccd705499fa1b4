"""Computing one position a row gives what the whole model gives there."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from slmrec.core.vocabulary import PAD, UNK
from slmrec.export.last_position import last_vectors
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import DecoderShape, LlamaRecommender
from slmrec.models.low_pass import LowPassShape
from slmrec.models.sasrec import SASRec
from tests.support.bundles import MAX_LENGTH, ROWS, small_model

ITEMS = torch.tensor(
    [[5, 9, 3, 8, 7, 6], [2, 4, 40, PAD, PAD, PAD], [UNK, PAD, PAD, PAD, PAD, PAD]]
)
LAST = torch.tensor([5, 2, 0])


def item_embedding() -> ItemEmbedding:
    return ItemEmbedding(torch.ones(ROWS, dtype=torch.bool), 8, None, 0.0)


def decoder(layers: int, key_value_heads: int, prompt: Tensor | None) -> LlamaRecommender:
    torch.manual_seed(1)
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    shape = DecoderShape(layers, 16, 4, key_value_heads, 24, 1e-6, rope)
    return LlamaRecommender(
        item_embedding(), shape, 0.3, layer_drop=0.0, max_length=MAX_LENGTH, prompt=prompt
    ).eval()


def check(model: LlamaRecommender | SASRec) -> None:
    with torch.inference_mode():
        expected = model(ITEMS)[torch.arange(3), LAST]
        vectors = last_vectors(copy.deepcopy(model))(ITEMS, LAST)
    torch.testing.assert_close(vectors, expected, rtol=1e-4, atol=1e-5)


def test_one_position_a_row_gives_what_the_whole_model_gives() -> None:
    check(small_model())


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_heads_that_share_keys_give_what_the_whole_model_gives(layers: int) -> None:
    check(decoder(layers, key_value_heads=2, prompt=None))


def test_a_prompt_before_every_history_is_read_too() -> None:
    torch.manual_seed(2)
    check(decoder(2, key_value_heads=4, prompt=torch.randn(1, 3, 16)))


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("low_pass", [None, LowPassShape(0.5, 3), LowPassShape(0.5, 99)])
def test_sasrec_gives_what_the_whole_model_gives(
    layers: int, low_pass: LowPassShape | None
) -> None:
    torch.manual_seed(1)
    check(SASRec(item_embedding(), layers, 2, 8, 0.0, MAX_LENGTH, low_pass).eval())
