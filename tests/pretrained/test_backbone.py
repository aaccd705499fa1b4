"""A pretrained LLaMA is read layer by layer; one that lacks anything is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from slmrec.core.errors import DataError, UsageError
from slmrec.pretrained.backbone import open_backbone, read_layers, sampled_words
from slmrec.pretrained.smollm2 import WORD_EMBEDDING
from tests.support.llm import LAYERS, WIDTH, WORDS, folder_params, make_llm, rewrite_config


def test_layers_are_read_by_number_and_named_as_a_decoder_layer_names_them(llm_dir: Path) -> None:
    weights = load_file(llm_dir / "model.safetensors")
    second, fourth = read_layers(open_backbone(folder_params(llm_dir)), [2, 4])
    assert len(second) == 9  # four maps of attention, three of the feed-forward, two norms
    for number, layer in ((1, second), (3, fourth)):
        for name, weight in layer.items():
            assert torch.equal(weight, weights[f"model.layers.{number}.{name}"])


def test_the_first_layer_does_not_take_the_weights_of_the_tenth(tmp_path: Path) -> None:
    make_llm(tmp_path, layers=11)
    backbone = open_backbone(folder_params(tmp_path))
    weights = load_file(tmp_path / "model.safetensors")
    gate = backbone.layer(2)["mlp.gate_proj.weight"]
    assert torch.equal(gate, weights["model.layers.1.mlp.gate_proj.weight"])
    assert len(backbone.layer(2)) == len(backbone.layer(11)) == 9


def test_weights_of_half_precision_are_read_as_float32(tmp_path: Path) -> None:
    make_llm(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({name: weight.half() for name, weight in load_file(path).items()}, path)
    assert open_backbone(folder_params(tmp_path)).read(WORD_EMBEDDING).dtype == torch.float32


def test_a_layer_beyond_the_model_is_refused(llm_dir: Path) -> None:
    with pytest.raises(UsageError, match=f"layer 9 is asked for, .* has {LAYERS}"):
        read_layers(open_backbone(folder_params(llm_dir)), [1, 9])


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    make_llm(tmp_path)
    rewrite_config(tmp_path, model_type="gpt2")
    with pytest.raises(UsageError, match="'gpt2', expected 'llama'"):
        open_backbone(folder_params(tmp_path))


def test_a_model_without_a_weight_that_every_llama_has_is_refused(tmp_path: Path) -> None:
    make_llm(tmp_path)
    path = tmp_path / "model.safetensors"
    weights = load_file(path)
    del weights["model.norm.weight"]
    save_file(weights, path)
    with pytest.raises(DataError, match=r"holds no model\.norm\.weight"):
        open_backbone(folder_params(tmp_path))


def test_a_prompt_is_the_vectors_of_its_words(llm_dir: Path) -> None:
    backbone = open_backbone(folder_params(llm_dir))
    prompt = backbone.prompt("bought then bought")
    assert torch.equal(prompt[0], backbone.read(WORD_EMBEDDING)[[1, 2, 1]])


def test_a_prompt_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    make_llm(tmp_path)
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(UsageError, match="no tokenizer"):
        open_backbone(folder_params(tmp_path)).prompt("bought")


def test_sampled_words_go_through_the_whole_vocabulary(llm_dir: Path) -> None:
    backbone = open_backbone(folder_params(llm_dir))
    texts = sampled_words(backbone)
    assert texts.shape == (8, 32, WIDTH)
    words = backbone.read(WORD_EMBEDDING)
    in_order = texts.transpose(0, 1).flatten(0, 1)  # the vocabulary from its first word to its last
    assert torch.equal(in_order[0], words[0])
    assert torch.equal(in_order[-1], words[len(WORDS) - 1])
    assert len(in_order.unique(dim=0)) == len(WORDS)
