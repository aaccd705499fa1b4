"""A decoder cut from a pretrained LLaMA computes what the LLaMA does, with or without a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from slmrec.core.errors import UsageError
from slmrec.models.factory import cut_decoder
from slmrec.models.llama import LlamaRecommender
from slmrec.models.lora import merge_layers, prepare_layers
from slmrec.models.serialization import load_model, save_model
from slmrec.params.decoder import LoraTuning
from slmrec.pretrained.backbone import open_backbone, sampled_words
from slmrec.pretrained.from_backbone import decoder_of_layers, pretrained_decoder
from slmrec.pretrained.layer_selection import output_changes
from tests.support.llm import (
    INPUTS,
    WIDTH,
    decoder_from,
    decoder_settings,
    folder_params,
    make_llm,
)


def last_states(decoder: LlamaRecommender) -> torch.Tensor:
    """States of INPUTS after the last layer and norm.  # (B, T, D)"""
    return decoder.norm(decoder.forward_with_states(INPUTS, [4])[1][0])


def item_states(decoder: LlamaRecommender) -> torch.Tensor:
    """INPUTS as the first layer reads them.  # (B, T, D)"""
    return decoder.input_proj(decoder.item_embedding(INPUTS))


def test_the_decoder_gives_the_states_of_the_model_it_was_read_from(
    llm_dir: Path, tmp_path: Path
) -> None:
    llm, decoder = make_llm(tmp_path, tuned=True), decoder_from(llm_dir)
    with torch.no_grad():
        expected = llm.model(inputs_embeds=item_states(decoder)).last_hidden_state
        torch.testing.assert_close(last_states(decoder), expected)


def test_items_are_as_long_as_states_of_words_and_user_vectors_have_deviation_one(
    llm_dir: Path, tmp_path: Path
) -> None:
    decoder, words = decoder_from(llm_dir), sampled_words(open_backbone(folder_params(llm_dir)))
    with torch.no_grad():
        expected = make_llm(tmp_path, tuned=True).model(inputs_embeds=words).last_hidden_state
        states = decoder.read_words(words)
        torch.testing.assert_close(decoder.norm(states), expected)
    lengths = states.square().mean(dim=2).sqrt()
    items = decoder.input_proj(decoder.item_embedding.folded())
    torch.testing.assert_close(items.square().mean().sqrt(), lengths.median())
    product = decoder.output_proj.weight @ decoder.input_proj.weight
    # the output map undoes the input map, but for a scale
    torch.testing.assert_close(product / product[0, 0], torch.eye(8), rtol=0, atol=1e-5)
    noise = torch.randn(4000, WIDTH, generator=torch.Generator().manual_seed(1))
    deviation = decoder.output_proj(decoder.norm(noise)).square().mean().sqrt()
    assert deviation.item() == pytest.approx(1, rel=0.1)


def test_a_decoder_has_the_layers_its_rule_keeps(llm_dir: Path) -> None:
    changes = output_changes(decoder_from(llm_dir), INPUTS)
    p = folder_params(llm_dir, cut={"rule": "least_change", "layers": 3, "windows": 3})
    sample_sizes: list[int] = []

    def sample(count: int) -> torch.Tensor:
        sample_sizes.append(count)
        return INPUTS

    decoder, layers = pretrained_decoder(open_backbone(p), p, decoder_settings(), sample)
    assert sample_sizes == [3]
    assert len(decoder.layers) == 3
    assert set(layers) == {1, 2, 3, 4} - {changes.index(min(changes)) + 1}
    p = folder_params(llm_dir, cut={"rule": "every", "step": 3})
    assert pretrained_decoder(open_backbone(p), p, decoder_settings(), sample)[1] == [1, 4]
    assert sample_sizes == [3], "only the rule that measures looks at histories"


def test_named_layers_come_in_their_order(llm_dir: Path) -> None:
    backbone = open_backbone(folder_params(llm_dir))
    decoder = decoder_of_layers(backbone, [2, 4], decoder_settings(), None)
    for own, number in zip(decoder.layers, (2, 4), strict=True):
        for name, weight in backbone.layer(number).items():
            assert torch.equal(own.state_dict()[name], weight)


def test_a_layer_beyond_the_model_is_refused(llm_dir: Path) -> None:
    backbone = open_backbone(folder_params(llm_dir))
    with pytest.raises(UsageError, match="layer 9 is asked for"):
        decoder_of_layers(backbone, [1, 9], decoder_settings(), None)


def test_lora_starts_where_the_model_is_trains_only_its_updates_and_merges_into_plain_weights(
    llm_dir: Path,
) -> None:
    targets = ["gate_proj", "up_proj", "down_proj"]
    lora = LoraTuning.model_validate(
        {"kind": "lora", "rank": 2, "alpha": 4, "dropout": 0.0, "targets": targets}
    )
    plain, adapted = decoder_from(llm_dir), decoder_from(llm_dir)
    prepare_layers(adapted, lora)
    adapted.eval()
    torch.testing.assert_close(adapted(INPUTS), plain(INPUTS))
    learning = {name for name, weight in adapted.layers.named_parameters() if weight.requires_grad}
    assert learning
    assert all("lora_" in name and ".mlp." in name for name in learning)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.3)
    expected = adapted(INPUTS)
    assert not torch.allclose(expected, plain(INPUTS), atol=1e-3)
    merge_layers(adapted)
    torch.testing.assert_close(adapted(INPUTS), expected, rtol=1e-4, atol=1e-5)
    assert adapted.state_dict().keys() == plain.state_dict().keys()


def test_a_prompt_reads_as_words_before_every_history(llm_dir: Path, tmp_path: Path) -> None:
    llm, decoder = make_llm(tmp_path, tuned=True), decoder_from(llm_dir, prompt="bought then")
    assert decoder.prompt is not None
    assert decoder.prompt.shape == (1, 2, WIDTH)
    with torch.no_grad():
        words = llm.model.embed_tokens(torch.tensor([[1, 2]])).expand(3, -1, -1)
        inputs = torch.cat([words, item_states(decoder)], dim=1)
        expected = llm.model(inputs_embeds=inputs).last_hidden_state[:, 2:]
        torch.testing.assert_close(last_states(decoder), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(decoder(INPUTS), decoder_from(llm_dir)(INPUTS), atol=1e-3)


def test_a_folded_prompt_and_a_saved_one_answer_the_same(llm_dir: Path, tmp_path: Path) -> None:
    decoder = decoder_from(llm_dir, prompt="bought then")
    expected = decoder(INPUTS)
    save_model(decoder, tmp_path)
    loaded = load_model(tmp_path)
    assert torch.equal(loaded(INPUTS), expected)
    assert isinstance(loaded, LlamaRecommender)
    loaded.fold_prompt()
    assert loaded.prompt is None
    assert loaded.prompt_length == 2
    torch.testing.assert_close(loaded(INPUTS), expected)


def test_a_student_cut_from_a_prompted_teacher_keeps_the_prompt(llm_dir: Path) -> None:
    teacher = decoder_from(llm_dir, prompt="bought then")
    student = cut_decoder(teacher, teacher.item_embedding, [1, 2, 3, 4], 0.0, 0.0).eval()
    torch.testing.assert_close(student(INPUTS), teacher(INPUTS))
