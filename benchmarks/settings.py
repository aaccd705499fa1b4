"""Settings of training.py and other_libraries.py: settings.yaml with changes laid over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from slmrec.params.embed_items import EmbedItemsParams

FILE = Path(__file__).parent / "settings.yaml"
Settings = dict[str, Any]


def read_settings(dataset: str, changes: list[str]) -> Settings:
    """The settings of a set, with changes such as training.learning_rate=0.001."""
    yaml = YAML(typ="safe")
    sections = yaml.load(FILE)
    settings = merged(sections["every"], sections[dataset])
    for change in changes:
        key, _, value = change.partition("=")
        settings = merged(settings, nested(key.split("."), yaml.load(value)))
    return settings


def embed_items_params(settings: Settings, **changes: Any) -> EmbedItemsParams:
    """The section of SASRec: all settings but the longest input, which histories carry."""
    section = {key: value for key, value in settings.items() if key != "max_length"}
    return EmbedItemsParams.model_validate(section | changes)


def nested(keys: list[str], value: Any) -> Settings:
    """The value below one section a key: nested(["a", "b"], 1) is {"a": {"b": 1}}."""
    first, *rest = keys
    return {first: nested(rest, value) if rest else value}


def merged(first: Settings, second: Settings) -> Settings:
    """`first` with the values of `second` in it, section by section.

    A section that names a kind (`{kind: softmax, ...}`) replaces the one before it whole, since
    another kind has other fields.
    """
    changes = {
        key: merged(first[key], value) if _mergeable(first.get(key), value) else value
        for key, value in second.items()
    }
    return {**first, **changes}


def _mergeable(first: Any, second: Any) -> bool:
    return isinstance(first, dict) and isinstance(second, dict) and "kind" not in second
