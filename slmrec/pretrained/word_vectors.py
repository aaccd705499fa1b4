"""Titles as means of their words' vectors in an LLM's table: brands and product lines, which sentence encoders blur."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from slmrec.pretrained.smollm2 import WORDS


def mean_words(titles: list[str], folder: Path, longest: int) -> Tensor:
    """Mean word vectors of titles, rare words counting more (inverse document frequency over the distinct titles).  # (N, D) float32

    `folder` holds an LLM with its tokenizer; of a title the first `longest` word pieces count. The
    table is centred and each vector has length 1 first: frequent words are long, and all share a
    direction (Arora et al. 2017; Mu and Viswanath 2018).
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    # Lower case and a space before: as words stand inside of a text, whose vectors the LLM knows
    # best.
    pieces = {
        title: tokenizer(f" {title.lower()}", truncation=True, max_length=longest)["input_ids"]
        for title in sorted(set(titles))
    }
    titles_with = Counter(piece for each in pieces.values() for piece in set(each))
    with safe_open(folder / "model.safetensors", framework="pt") as stored:
        table = stored.get_tensor(WORDS)  # (V, D)
    table = functional.normalize(table - table.mean(dim=0), dim=1)
    found = {title: _mean(each, table, titles_with, len(pieces)) for title, each in pieces.items()}
    return torch.stack([found[title] for title in titles])


def _mean(pieces: list[int], table: Tensor, titles_with: Counter[int], titles: int) -> Tensor:
    """Weighted mean of word pieces; zero where a title has none that tells it from others.  # (D,)"""
    weights = torch.tensor([titles / titles_with[piece] for piece in pieces]).log()
    return (table[pieces] * weights[:, None]).sum(dim=0) / max(len(pieces), 1)
