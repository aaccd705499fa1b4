"""New models: their shapes, what a cut decoder takes over, and how parameters are counted."""

from __future__ import annotations

import torch

from slmrec.models.factory import (
    cut_decoder,
    decoder_parameters,
    embedding_parameters,
    new_sasrec,
)
from slmrec.params.embed_items import EmbedItemsParams, TextParams
from tests.support.histories import TRAINING
from tests.support.models import ITEMS, WIDTH, item_embedding, small_decoder

HISTORY = torch.tensor([[3, 4, 5, 6], [9, 4, 3, 11]])
SASREC = EmbedItemsParams(
    seed=1,
    ensemble_seeds=[],
    ensemble_low_pass=None,
    width=WIDTH,
    layers=2,
    heads=2,
    feed_forward=16,
    dropout=0.1,
    text="none",
    training=TRAINING,
)
WITH_TEXT = SASREC.model_copy(
    update={"text": TextParams(encoders=["minilm"], hidden_ids=0.2, new_items_may_cost=0.01)}
)


def test_parameters_of_decoder_and_embedding_are_counted_apart() -> None:
    model = small_decoder(4)
    attention = 16 * 16 + 2 * 16 * 8 + 16 * 16  # queries; keys and values of one head; output
    layer = attention + 3 * 16 * 24 + 2 * 16  # feed-forward, two norms
    assert decoder_parameters(model) == 4 * layer + 16 + 2 * WIDTH * 16
    assert embedding_parameters(model) == ITEMS * WIDTH


def test_the_map_of_text_counts_with_the_embedding() -> None:
    model = small_decoder(1)
    model.item_embedding = item_embedding(text=torch.zeros(ITEMS, 6))
    assert embedding_parameters(model) == ITEMS * WIDTH + 6 * WIDTH


def test_a_decoder_cut_at_no_layer_is_its_teacher_prompt_included() -> None:
    teacher = small_decoder(3)
    teacher.prompt = torch.randn(1, 2, 16)
    student = cut_decoder(teacher, teacher.item_embedding, [1, 2, 3], 0.0, 0.0).eval()
    torch.testing.assert_close(student(HISTORY), teacher(HISTORY))
    assert student.prompt_length == 2


def test_a_cut_decoder_has_the_named_layers_and_its_own_dropout() -> None:
    teacher = small_decoder(4)
    student = cut_decoder(teacher, item_embedding(), [1, 3], dropout=0.2, layer_drop=0.3)
    assert student.shape.layers == len(student.layers) == 2
    assert (student.dropout.p, student.layer_drop) == (0.2, 0.3)
    assert student.max_length == teacher.max_length
    assert torch.equal(student.item_embedding.folded(), teacher.item_embedding.folded())
    third = teacher.layers[2].state_dict()
    assert all(torch.equal(w, third[name]) for name, w in student.layers[1].state_dict().items())


def test_a_sasrec_over_ids_ignores_what_is_said_about_text() -> None:
    model = new_sasrec(torch.ones(ITEMS, dtype=torch.bool), None, WITH_TEXT, max_length=5)
    assert model.item_embedding.text is None
    assert (model.item_embedding.hidden_ids, model.item_embedding.new_items_may_cost) == (0, 0)
    assert (len(model.layers), model.max_length, model.dropout.p) == (2, 5, 0.1)


def test_a_sasrec_over_text_hides_ids_and_lets_new_items_cost_what_is_asked() -> None:
    text = torch.randn(ITEMS, 6)
    model = new_sasrec(torch.ones(ITEMS, dtype=torch.bool), text, WITH_TEXT, max_length=5)
    assert model.item_embedding.text is text
    assert model.item_embedding.hidden_ids == 0.2
    assert model.item_embedding.new_items_may_cost == 0.01
