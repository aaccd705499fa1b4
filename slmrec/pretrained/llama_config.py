"""The shape of a LLaMA decoder, read from the config.json that transformers writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmrec.core.errors import UsageError
from slmrec.models.llama import DecoderShape


def llama_shape(config: dict[str, Any], folder: Path) -> DecoderShape:
    """The decoder's shape; `folder` is named in errors.

    Raises UsageError for another architecture, and for variants of LLaMA that LlamaRecommender is
    not: their weights would be dropped in silence.
    """
    _check_plain(config, folder)
    heads = config["num_attention_heads"]
    return DecoderShape(
        layers=config["num_hidden_layers"],
        width=config["hidden_size"],
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        feed_forward=config["intermediate_size"],
        norm_epsilon=config["rms_norm_eps"],
        rope=_rope(config),
    )


def _check_plain(config: dict[str, Any], folder: Path) -> None:
    if config.get("model_type") != "llama":
        raise UsageError(
            f"{folder} holds a model of type {config.get('model_type')!r}, expected 'llama'; "
            "choose a LLaMA model"
        )
    if (variant := _variant(config)) is not None:
        raise UsageError(
            f"{folder}: {variant} is {config[variant]!r}, which plain LLaMA decoders do not have; "
            "choose another model"
        )


def _variant(config: dict[str, Any]) -> str | None:
    """The first entry that makes the decoder another one than LLaMA's, if there is any."""
    head_width = config["hidden_size"] // config["num_attention_heads"]
    differs = {
        "attention_bias": config.get("attention_bias", False),
        "mlp_bias": config.get("mlp_bias", False),
        "hidden_act": config.get("hidden_act", "silu") != "silu",
        "head_dim": (config.get("head_dim") or head_width) != head_width,
    }
    return next((name for name, different in differs.items() if different), None)


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    """Rotary positions as transformers 5 writes them; older files spell them in two entries."""
    if "rope_parameters" in config:
        return dict(config["rope_parameters"])
    scaling = dict(config.get("rope_scaling") or {"rope_type": "default"})
    if "type" in scaling:  # older still
        scaling["rope_type"] = scaling.pop("type")
    return {"rope_theta": config.get("rope_theta", 10_000.0)} | scaling
