"""Models: causal, blind to padding, the same class at every depth, whole on disk."""

from __future__ import annotations

import pytest
import torch

from slmrec.core.errors import DataError
from slmrec.core.vocabulary import UNK
from slmrec.models.factory import decoder_parameters, new_decoder
from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.sasrec import SASRec
from slmrec.models.serialization import load_model, save_model
from slmrec.params.decoder import DecoderParams

SHAPE = DecoderParams(
    kind="config", layers=4, width=16, heads=2, key_value_heads=2, feed_forward=24
)


def table(cold: tuple[int, ...] = (), text: torch.Tensor | None = None) -> ItemEmbedding:
    trained = torch.ones(12, dtype=torch.bool)
    trained[list(cold)] = False
    return ItemEmbedding(trained, 8, text, 0.0)


def models():
    torch.manual_seed(1)
    yield new_decoder(table(), SHAPE, 0.1, 0.0, 10).eval()
    yield SASRec(table(), layers=2, heads=2, feed_forward=16, dropout=0.1, max_length=10).eval()


def test_no_later_item_and_no_padding_reaches_an_earlier_position():
    for model in models():
        items = torch.tensor([[3, 4, 5, 6, 7, 8]])
        changed = torch.tensor([[3, 4, 5, 9, 0, 0]])
        torch.testing.assert_close(model(items)[:, :3], model(changed)[:, :3])
        torch.testing.assert_close(model(changed)[:, :4], model(changed[:, :4]))
        assert not torch.allclose(model(items)[:, 3], model(changed)[:, 3])


def test_a_saved_model_answers_the_same_after_loading(tmp_path):
    for number, model in enumerate(models()):
        save_model(model, tmp_path / str(number))
        items = torch.randint(1, 12, (3, 7))
        assert torch.equal(load_model(tmp_path / str(number))(items), model(items))


def test_a_pickle_in_place_of_weights_is_refused(tmp_path):
    save_model(next(models()), tmp_path)
    torch.save({"input_proj.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="not a safetensors file"):
        load_model(tmp_path)


def test_a_student_started_from_all_of_its_teachers_layers_is_its_teacher():
    torch.manual_seed(2)
    teacher, student = (
        new_decoder(table(), SHAPE, 0.1, 0.0, 10).eval(),
        new_decoder(table(), SHAPE, 0.1, 0.0, 10).eval(),
    )
    items = torch.randint(1, 12, (2, 6))
    assert not torch.allclose(student(items), teacher(items))
    student.start_from(teacher, [1, 2, 3, 4])
    torch.testing.assert_close(student(items), teacher(items))


def test_states_are_read_after_the_named_layers():
    model = next(models())
    items = torch.randint(1, 12, (2, 6))
    vectors, states = model.forward_with_states(items, [2, 4])
    assert [tuple(state.shape) for state in states] == [(2, 6, 16)] * 2
    torch.testing.assert_close(model.output_proj(model.norm(states[-1])), vectors)


def test_an_item_without_training_events_reads_the_unknown_items_vector():
    items = table(cold=(5, 7))
    assert torch.equal(items(torch.tensor([5, 7])), items(torch.tensor([UNK, UNK])))
    assert not torch.equal(items(torch.tensor([4])), items(torch.tensor([UNK])))
    assert torch.equal(items.folded()[4], items(torch.tensor(4)))


def test_text_gives_an_item_without_events_a_place_of_its_own():
    items = table(cold=(5, 7), text=torch.randn(12, 6))
    assert not torch.allclose(items(torch.tensor([5])), items(torch.tensor([7])))


def test_decoder_parameters_leave_the_item_table_out():
    model = next(models())
    per_layer = 4 * 16 * 16 + 3 * 16 * 24 + 2 * 16
    assert decoder_parameters(model) == 4 * per_layer + 16 + 2 * 8 * 16
