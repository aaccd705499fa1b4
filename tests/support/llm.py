"""A tiny LLaMA folder as transformers writes it, with random weights, grouped-query heads and a word tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from slmrec.params.train_teacher import FolderParams

WORDS = ["unknown", "bought", "then"]


def make_llm(folder: Path, layers: int = 4, tuned: bool = False) -> LlamaForCausalLM:
    """Write the folder and return the model; `tuned` makes the last norm's gain uneven, as training does."""
    torch.manual_seed(11)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=24,
        intermediate_size=40,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        tie_word_embeddings=True,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    model = LlamaForCausalLM(config).eval()
    if tuned:
        with torch.no_grad():
            model.model.norm.weight.copy_(torch.linspace(0.5, 2, 24))
    model.save_pretrained(folder)
    words = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="unknown")
    )
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="unknown").save_pretrained(folder)
    return model


def rewrite_config(folder: Path, **changes) -> None:
    """Change entries of a folder's config.json."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def folder_params(folder: Path, **changes) -> FolderParams:
    """The params section that names the folder: all four layers, full training, no prompt, unless said otherwise."""
    plain = {"cut": {"rule": "first", "layers": 4}, "tuning": {"kind": "full"}, "prompt": None}
    return FolderParams.model_validate({"kind": "folder", "path": str(folder)} | plain | changes)
