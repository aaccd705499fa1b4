"""LoRA: what of a decoder learns, and the plain decoder that is left."""

from __future__ import annotations

import torch

from slmrec.models.lora import merge_layers, prepare_layers
from slmrec.params.decoder import FullTuning, LoraTuning
from tests.support.models import small_decoder

LORA = LoraTuning(kind="lora", rank=2, alpha=4, dropout=0.0, targets=["q_proj", "down_proj"])
ITEMS = torch.tensor([[3, 4, 5, 6], [9, 4, 3, 11]])


def test_with_full_tuning_everything_learns() -> None:
    model = small_decoder(2)
    prepare_layers(model, FullTuning(kind="full"))
    assert all(weight.requires_grad for weight in model.parameters())
    assert model.state_dict().keys() == small_decoder(2).state_dict().keys()


def test_lora_starts_where_the_decoder_is_and_its_layers_learn_updates_alone() -> None:
    model = small_decoder(2)
    prepare_layers(model, LORA)
    torch.testing.assert_close(model(ITEMS), small_decoder(2)(ITEMS))
    learning = {name for name, weight in model.layers.named_parameters() if weight.requires_grad}
    targets = {name.split(".lora_")[0] for name in learning}
    assert targets == {
        f"{layer}.{target}" for layer in (0, 1) for target in ("self_attn.q_proj", "mlp.down_proj")
    }
    assert model.input_proj.weight.requires_grad and model.item_embedding.ids.requires_grad


def test_merged_updates_are_added_to_the_weights_and_a_plain_decoder_is_left() -> None:
    model, plain = small_decoder(2), small_decoder(2)
    prepare_layers(model, LORA)
    updates = {}
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3)
                lora_a = model.get_parameter(name.replace("lora_B", "lora_A"))
                updates[name.split(".lora_B")[0]] = 4 / 2 * weight @ lora_a  # alpha / rank
    expected = model(ITEMS)
    assert not torch.allclose(expected, plain(ITEMS), atol=1e-3)
    merge_layers(model)
    torch.testing.assert_close(model(ITEMS), expected, rtol=1e-4, atol=1e-5)
    assert model.state_dict().keys() == plain.state_dict().keys()
    for name, weight in plain.state_dict().items():
        merged = weight + updates.get(name.removesuffix(".weight"), 0)
        torch.testing.assert_close(model.state_dict()[name], merged)
    assert all(weight.requires_grad for weight in model.layers.parameters())


def test_a_decoder_without_updates_is_merged_into_itself() -> None:
    model = small_decoder(2)
    merge_layers(model)
    assert torch.equal(model(ITEMS), small_decoder(2)(ITEMS))
