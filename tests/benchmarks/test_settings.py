"""Settings: a set's section changes what holds for every set, a change on the command line both."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from benchmarks.settings import FILE, embed_items_params, merged, nested, read_settings

SETS = [name for name in YAML(typ="safe").load(FILE) if name != "every"]


@pytest.mark.parametrize("dataset", SETS)
def test_the_settings_of_every_set_are_valid(dataset: str) -> None:
    p = embed_items_params(read_settings(dataset, []), seed=7)
    assert p.seed == 7


def test_a_set_keeps_what_it_does_not_change() -> None:
    settings = read_settings("steam-100k", ["training.learning_rate=0.5", "text=none"])
    assert settings["width"] == 64  # the set's own
    assert settings["layers"] == 2  # of every set
    assert settings["training"]["learning_rate"] == 0.5  # the command line's
    assert settings["training"]["warmup_steps"] == 100


def test_a_section_of_another_kind_replaces_the_one_before_it_whole() -> None:
    first = {"loss": {"kind": "sampled", "negatives": 5}, "deep": {"a": 1, "b": 2}}
    second = {"loss": {"kind": "softmax"}, "deep": {"b": 3}}
    assert merged(first, second) == {"loss": {"kind": "softmax"}, "deep": {"a": 1, "b": 3}}


def test_a_dotted_key_becomes_nested_sections() -> None:
    assert nested(["a", "b", "c"], 1) == {"a": {"b": {"c": 1}}}
