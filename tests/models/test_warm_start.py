"""Decoders that start from trained weights."""

from __future__ import annotations

import pytest
import torch

from slmrec.models.warm_start import start_from_language_model, start_from_teacher
from tests.support.models import item_embedding, small_decoder

ITEMS = torch.tensor([[3, 4, 5, 6], [9, 4, 3, 11]])


def test_a_student_started_from_all_of_its_teachers_layers_is_its_teacher() -> None:
    teacher, student = small_decoder(4), small_decoder(4)
    for weight in student.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    assert not torch.allclose(student(ITEMS), teacher(ITEMS))
    start_from_teacher(student, teacher, [1, 2, 3, 4])
    torch.testing.assert_close(student(ITEMS), teacher(ITEMS))


def test_a_student_takes_the_named_layers_in_their_order_counted_from_one() -> None:
    teacher, student = small_decoder(4), small_decoder(2)
    start_from_teacher(student, teacher, [4, 2])
    for layer, number in zip(student.layers, (4, 2), strict=True):
        expected = teacher.layers[number - 1].state_dict()
        for name, weight in layer.state_dict().items():
            assert torch.equal(weight, expected[name])
    with pytest.raises(ValueError, match="zip"):
        start_from_teacher(student, teacher, [1, 2, 3])


def test_items_are_mapped_to_the_length_of_states_and_user_vectors_start_with_deviation_one() -> (
    None
):
    model, pretrained = small_decoder(3), small_decoder(4)
    torch.nn.init.normal_(model.item_embedding.ids, std=3.0)
    norm = torch.full((16,), 5.0)
    words = torch.randn(20, 6, 16, generator=torch.Generator().manual_seed(1))
    layers = [layer.state_dict() for layer in pretrained.layers[:3]]
    start_from_language_model(model, layers, norm, words)
    assert torch.equal(model.norm.weight, norm)
    with torch.no_grad():
        lengths = model.read_words(words).square().mean(dim=2).sqrt()  # of words after the layers
        items = model.input_proj(model.item_embedding.folded())
        torch.testing.assert_close(items.square().mean().sqrt(), lengths.median())
        states = torch.randn(4000, 16, generator=torch.Generator().manual_seed(2))
        deviation = model.output_proj(model.norm(states)).square().mean().sqrt()
    assert deviation.item() == pytest.approx(1, rel=0.05)
    round_trip = model.output_proj.weight @ model.input_proj.weight  # but for a scale
    torch.testing.assert_close(round_trip / round_trip[0, 0], torch.eye(8), rtol=0, atol=1e-5)


def test_an_embedding_of_zeros_is_no_reason_to_start_from_infinity() -> None:
    model = small_decoder(2)
    model.item_embedding = item_embedding()
    torch.nn.init.zeros_(model.item_embedding.ids)
    layers = [layer.state_dict() for layer in small_decoder(2).layers]
    start_from_language_model(model, layers, torch.ones(16), torch.randn(2, 3, 16))
    assert model.input_proj.weight.isfinite().all()
