"""Titles as means of their words' vectors in an LLM.

They tell brands and product lines apart, which sentence encoders blur.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional

from slmrec.pretrained.smollm2 import WORD_EMBEDDING


def mean_word_vectors(titles: list[str], llm_dir: Path, max_pieces: int) -> Tensor:
    """Mean vector of each title's word pieces, rare ones weighing more.  # (N, D) float32

    `llm_dir` holds an LLM with its tokenizer; of a title the first `max_pieces` count. Weights are
    inverse document frequencies over the distinct titles. The embedding is centred and each vector
    gets length 1 first: frequent words have long vectors, and all share a direction (Arora et al.
    2017; Mu and Viswanath 2018).
    """
    pieces = _tokenize(titles, llm_dir, max_pieces)
    titles_with = Counter(piece for title in pieces.values() for piece in set(title))
    with safe_open(llm_dir / "model.safetensors", framework="pt") as weights:
        words = weights.get_tensor(WORD_EMBEDDING)  # (V, D)
    words = functional.normalize(words - words.mean(dim=0), dim=1)
    vectors = {
        title: _weighted_mean(title_pieces, words, titles_with, len(pieces))
        for title, title_pieces in pieces.items()
    }
    return torch.stack([vectors[title] for title in titles])


def _tokenize(titles: list[str], llm_dir: Path, max_pieces: int) -> dict[str, list[int]]:
    """The word pieces of each distinct title."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(llm_dir, local_files_only=True)
    # In lower case and after a space, as words stand within a text: the LLM has seen these pieces
    # most often.
    return {
        title: tokenizer(f" {title.lower()}", truncation=True, max_length=max_pieces)["input_ids"]
        for title in sorted(set(titles))
    }


def _weighted_mean(
    pieces: list[int], words: Tensor, titles_with: Counter[int], titles: int
) -> Tensor:
    """Mean of word pieces, zero where every title has all of them.  # (D,)"""
    weights = torch.tensor([titles / titles_with[piece] for piece in pieces]).log()
    return (words[pieces] * weights[:, None]).sum(dim=0) / max(len(pieces), 1)
