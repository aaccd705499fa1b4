"""The decoder: causal, blind to padding, with states between its layers and a prompt before."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from slmrec.models.factory import ROPE
from slmrec.models.llama import DecoderShape, LlamaRecommender
from tests.support.models import MAX_LENGTH, item_embedding, small_decoder

ITEMS = torch.tensor([[3, 4, 5, 6, 7, 8], [9, 4, 3, 3, 2, 11]])
SHAPE = DecoderShape(3, 16, 2, 1, 24, 1e-5, ROPE)


def prompted(prompt: torch.Tensor | None, layer_drop: float = 0.0) -> LlamaRecommender:
    torch.manual_seed(1)
    return LlamaRecommender(item_embedding(), SHAPE, 0.0, layer_drop, MAX_LENGTH, prompt).eval()


def test_no_later_item_and_no_padding_reaches_an_earlier_position() -> None:
    model = small_decoder(4)
    items = torch.tensor([[3, 4, 5, 6, 7, 8]])
    changed = torch.tensor([[3, 4, 5, 9, 0, 0]])
    torch.testing.assert_close(model(items)[:, :3], model(changed)[:, :3])
    torch.testing.assert_close(model(changed)[:, :4], model(changed[:, :4]))
    assert not torch.allclose(model(items)[:, 3], model(changed)[:, 3])


def test_states_are_read_after_the_named_layers() -> None:
    model = small_decoder(4)
    vectors, states = model.forward_with_states(ITEMS, [2, 4])
    assert [tuple(state.shape) for state in states] == [(2, 6, 16)] * 2
    torch.testing.assert_close(model.output_proj(model.norm(states[-1])), vectors)
    positions = torch.arange(6)[None]
    h = model.input_proj(model.item_embedding(ITEMS))
    for layer in model.layers[:2]:
        h = layer(h, position_ids=positions, position_embeddings=model.rotary(h, positions))
    torch.testing.assert_close(states[0], h)


def test_a_new_decoder_starts_near_the_map_that_returns_the_last_items_vector() -> None:
    model = small_decoder(2)
    vectors = model.item_embedding.folded()
    round_trip = model.output_proj(model.input_proj(vectors))  # orthogonal maps, scaled
    torch.testing.assert_close(round_trip, 8**0.5 * vectors, rtol=1e-4, atol=1e-6)
    cosine = torch.nn.functional.cosine_similarity(model(ITEMS), model.item_embedding(ITEMS), dim=2)
    assert cosine.mean() > 0.3


def test_in_training_a_dropped_layer_hands_states_on_and_serving_drops_none() -> None:
    model, without_drop = prompted(None, layer_drop=1.0), prompted(None)
    torch.testing.assert_close(model(ITEMS), without_drop(ITEMS))
    model.train()
    _, states = model.forward_with_states(ITEMS, [1, 2, 3])
    assert all(torch.equal(state, states[0]) for state in states)
    torch.testing.assert_close(states[0], model.input_proj(model.item_embedding(ITEMS)))


def test_layers_are_dropped_at_the_asked_rate() -> None:
    torch.manual_seed(5)
    model = prompted(None, layer_drop=0.25).train()
    dropped = 0
    for _ in range(200):
        _, states = model.forward_with_states(ITEMS[:1, :1], [1, 2, 3])
        dropped += sum(torch.equal(a, b) for a, b in pairwise(states))
    assert dropped / 400 == pytest.approx(0.25, abs=0.06)


def test_a_prompt_reads_as_words_before_every_history() -> None:
    prompt = torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(2))
    model = prompted(prompt)
    h = model.input_proj(model.item_embedding(ITEMS))
    with_prompt = torch.cat([prompt.expand(2, -1, -1), h], dim=1)  # (2, 3 + 6, 16)
    last = model.forward_with_states(ITEMS, [3])[1][0]
    torch.testing.assert_close(last, model.read_words(with_prompt)[:, 3:], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(model(ITEMS), prompted(None)(ITEMS), atol=1e-3)


def test_a_folded_prompt_answers_the_same_from_constants() -> None:
    model = prompted(torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(2)))
    expected = model(ITEMS)
    assert model.prompt_length == 3
    model.fold_prompt()
    assert model.prompt is None and model.prompt_length == 3
    torch.testing.assert_close(model(ITEMS), expected)
    model.fold_prompt()  # nothing is left to fold
    torch.testing.assert_close(model(ITEMS), expected)


def test_without_a_prompt_there_is_nothing_to_fold() -> None:
    model = prompted(None)
    model.fold_prompt()
    assert model.prefix is None and model.prompt_length == 0
