"""A tiny pretrained LLaMA, as transformers writes it, and decoders that start from it.

Random weights, grouped-query heads and a word tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from slmrec.models.item_embedding import ItemEmbedding
from slmrec.models.llama import LlamaRecommender
from slmrec.params.train_teacher import FolderParams
from slmrec.pretrained.backbone import open_backbone
from slmrec.pretrained.from_backbone import DecoderSettings, pretrained_decoder

WORDS = ["unknown", "bought", "then"]
WIDTH, LAYERS = 24, 4
ITEMS = 14
INPUTS = torch.randint(2, ITEMS, (3, 6), generator=torch.Generator().manual_seed(5))  # (B, T)


def make_llm(folder: Path, layers: int = LAYERS, tuned: bool = False) -> LlamaForCausalLM:
    """Write the folder and return the model.

    `tuned` makes the last norm's gain uneven, as training does.
    """
    torch.manual_seed(11)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
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
            model.model.norm.weight.copy_(torch.linspace(0.5, 2, WIDTH))
    model.save_pretrained(folder)
    write_tokenizer(folder, WORDS, unknown=WORDS[0])
    return model


def write_tokenizer(folder: Path, words: list[str], unknown: str) -> None:
    """Write a tokenizer of whole words, numbered in their order."""
    numbers = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token=unknown)
    fast.save_pretrained(folder)


def rewrite_config(folder: Path, **changes: Any) -> None:
    """Change entries of a folder's config.json."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def folder_params(folder: Path, **changes: Any) -> FolderParams:
    """The params section that names the folder.

    All four layers, full training and no prompt, unless changed.
    """
    plain = {"cut": {"rule": "first", "layers": 4}, "tuning": {"kind": "full"}, "prompt": None}
    return FolderParams.model_validate({"kind": "folder", "path": str(folder)} | plain | changes)


def decoder_settings() -> DecoderSettings:
    """Settings over a small item embedding, the same on each call; no dropout."""
    torch.manual_seed(3)
    item_embedding = ItemEmbedding(torch.ones(ITEMS, dtype=torch.bool), 8, None, 0.0)
    return DecoderSettings(item_embedding, 0.0, 0.0, 8)


def decoder_from(llm_dir: Path, **changes: Any) -> LlamaRecommender:
    """The decoder that `folder_params(llm_dir, **changes)` names; it measures layers on INPUTS."""
    p = folder_params(llm_dir, **changes)
    decoder, _ = pretrained_decoder(open_backbone(p), p, decoder_settings(), lambda _: INPUTS)
    return decoder.eval()
