"""Models on disk answer as they did, and what is no model is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from slmrec.core.errors import DataError
from slmrec.core.files import read_json, write_json
from slmrec.models.factory import SequenceModel
from slmrec.models.serialization import embedding_model, load_decoder, load_model, save_model
from tests.support.models import ITEMS, item_embedding, small_decoder, small_sasrec

HISTORY = torch.tensor([[3, 4, 5, 6], [9, 4, 3, 0]])


def prompted() -> SequenceModel:
    model = small_decoder(2)
    model.prompt = torch.randn(1, 3, 16)
    return model


def with_text() -> SequenceModel:
    model = small_sasrec(2)
    model.item_embedding = item_embedding((5,), torch.randn(ITEMS, 6), hidden_ids=0.2)
    model.item_embedding.new_items_may_cost = 0.01
    model.item_embedding.new_item_bonus.fill_(1.5)
    return model.eval()


MODELS: dict[str, Callable[[], SequenceModel]] = {
    "decoder": lambda: small_decoder(2),
    "sasrec": lambda: small_sasrec(1, layers=2),
    "prompt": prompted,
    "text": with_text,
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_saved_model_answers_the_same_after_loading(tmp_path: Path, kind: str) -> None:
    model = MODELS[kind]()
    save_model(model, tmp_path / "models" / "new")
    loaded = load_model(tmp_path / "models" / "new")
    assert not loaded.training
    assert torch.equal(loaded(HISTORY), model(HISTORY))
    assert loaded.max_length == model.max_length
    embedding, saved = loaded.item_embedding, model.item_embedding
    assert torch.equal(embedding.folded(), saved.folded())
    assert torch.equal(embedding.bonuses(), saved.bonuses())
    assert embedding.hidden_ids == saved.hidden_ids
    assert embedding.new_items_may_cost == saved.new_items_may_cost


def test_dropout_is_kept_for_further_training(tmp_path: Path) -> None:
    model = small_decoder(2, dropout=0.3)
    model.layer_drop = 0.1
    save_model(model, tmp_path)
    decoder = load_decoder(tmp_path)
    assert (decoder.dropout.p, decoder.layer_drop) == (0.3, 0.1)


def test_a_pickle_in_place_of_weights_is_refused(tmp_path: Path) -> None:
    save_model(small_decoder(2), tmp_path)
    torch.save({"input_proj.weight": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match="not a safetensors file"):
        load_model(tmp_path)


def test_weights_that_do_not_fit_the_config_are_refused(tmp_path: Path) -> None:
    save_model(small_sasrec(1), tmp_path)
    config = read_json(tmp_path / "config.json")
    write_json(tmp_path / "config.json", config | {"layers": 2})
    with pytest.raises(DataError, match=r"does not fit its config\.json"):
        load_model(tmp_path)


def test_a_sasrec_is_refused_where_a_decoder_is_needed(tmp_path: Path) -> None:
    save_model(small_sasrec(1), tmp_path)
    with pytest.raises(DataError, match="holds a SASRec, expected a decoder"):
        load_decoder(tmp_path)


def test_decoders_start_from_the_model_with_text_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "sasrec").mkdir()
    assert embedding_model(tmp_path) == tmp_path / "sasrec"
    (tmp_path / "sasrec_text").mkdir()
    assert embedding_model(tmp_path) == tmp_path / "sasrec_text"
