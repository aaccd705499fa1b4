"""A config is read as the decoder it describes; what is no plain LLaMA is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import UsageError
from slmrec.models.llama import DecoderShape
from slmrec.pretrained.llama_config import llama_shape

FOLDER = Path("a-model")
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 4,
    "hidden_size": 24,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 40,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0},
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in CONFIG.items() if name not in names}


def test_the_shape_is_the_one_of_the_config() -> None:
    assert llama_shape(CONFIG, FOLDER) == DecoderShape(
        layers=4,
        width=24,
        heads=4,
        key_value_heads=2,
        feed_forward=40,
        norm_epsilon=1e-6,
        rope={"rope_type": "default", "rope_theta": 5000.0},
    )


def test_without_key_value_heads_each_head_has_its_own() -> None:
    assert llama_shape(without("num_key_value_heads"), FOLDER).key_value_heads == 4


@pytest.mark.parametrize(
    ("entries", "rope"),
    [
        ({}, {"rope_type": "default", "rope_theta": 10_000.0}),
        ({"rope_theta": 500.0}, {"rope_type": "default", "rope_theta": 500.0}),
        (
            {"rope_theta": 500.0, "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
            {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0},
        ),
        (
            {"rope_scaling": {"type": "linear", "factor": 2.0}},
            {"rope_type": "linear", "factor": 2.0, "rope_theta": 10_000.0},
        ),
    ],
)
def test_rotary_positions_are_read_from_older_files_too(
    entries: dict[str, Any], rope: dict[str, Any]
) -> None:
    assert llama_shape(without("rope_parameters") | entries, FOLDER).rope == rope


def test_another_architecture_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="a-model holds a model of type 'gpt2', expected 'llama'"):
        llama_shape(CONFIG | {"model_type": "gpt2"}, FOLDER)


@pytest.mark.parametrize(
    ("name", "value"),
    [("attention_bias", True), ("mlp_bias", True), ("hidden_act", "gelu"), ("head_dim", 8)],
)
def test_a_llama_that_is_not_plain_is_refused_instead_of_losing_weights(
    name: str, value: Any
) -> None:
    with pytest.raises(UsageError, match=f"{name} is {value!r}, which plain LLaMA"):
        llama_shape(CONFIG | {name: value}, FOLDER)


def test_what_is_said_and_is_as_in_any_llama_is_no_variant() -> None:
    plain = {"attention_bias": False, "mlp_bias": False, "hidden_act": "silu", "head_dim": 6}
    assert llama_shape(CONFIG | plain, FOLDER) == llama_shape(CONFIG, FOLDER)
    assert llama_shape(CONFIG | {"head_dim": None}, FOLDER) == llama_shape(CONFIG, FOLDER)
