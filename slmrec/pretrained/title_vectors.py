"""Frozen vectors of item titles, by sentence encoders and from an LLM's word vectors."""

from __future__ import annotations

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from slmrec.core.errors import DataError
from slmrec.params.embed_items import TextEncoder
from slmrec.pretrained.sentence_vectors import sentence_vectors
from slmrec.pretrained.smollm2 import smollm2_folder
from slmrec.pretrained.word_vectors import mean_word_vectors

LEAST_VARIANCE = 0.01  # added in every direction, as a share of the mean one
# Titles are rarely half as long, and the cost of attention grows with the square of the length.
MAX_PIECES = 64  # word pieces


def title_vectors(items: pl.DataFrame, rows: int, encoders: list[TextEncoder]) -> Tensor:
    """Vectors of titles, by item index of a table of items.  # (rows, F) float32

    Zero where an item has no title. Each encoder's vectors are whitened over the titled items
    before they get length 1: titles of one shop resemble each other, and what they share tells no
    item from another. F counts the numbers of all encoders, whose vectors are concatenated.

    Raises DataError when no item has a title, UnavailableError when the encoder's package is not
    installed.
    """
    titled = items.filter(pl.col("title").str.strip_chars().str.len_chars() > 0)
    titles = titled["title"].to_list()
    if not titles:
        raise DataError(
            "embed_items.text names encoders, but no item has a title; "
            "name prepare.items.columns.title, or set text: none"
        )
    whitened = [whiten(_encode(titles, encoder)) for encoder in encoders]
    encoded = torch.cat([functional.normalize(part, dim=1) for part in whitened], dim=1)
    vectors = torch.zeros(rows, encoded.shape[1])
    vectors[torch.from_numpy(titled["item_index"].to_numpy().astype(np.int64))] = encoded
    return vectors


def _encode(titles: list[str], encoder: TextEncoder) -> Tensor:
    """One encoder's vectors of titles.  # (N, F)"""
    if encoder == "smollm2-words":
        return mean_word_vectors(titles, smollm2_folder(), MAX_PIECES)
    return sentence_vectors(titles, encoder, MAX_PIECES)


def whiten(vectors: Tensor) -> Tensor:
    """Centre vectors and stretch them until they vary alike in every direction.  # (N, F)

    ZCA (WhitenRec, arXiv 2402.17535). Directions in which they hardly vary are stretched less: a
    few titles are only a sample of all that there could be.
    """
    centred = vectors.double() - vectors.double().mean(dim=0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(centred))
    # The bound counts only where all titles are alike, and every variance is 0.
    floored = (variances + LEAST_VARIANCE * variances.mean()).clamp(min=1e-12)
    return (centred @ (directions * floored.rsqrt()) @ directions.T).float()
