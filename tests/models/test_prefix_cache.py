"""The prompt's keys and values, and the mask of positions that stand after it."""

from __future__ import annotations

import pytest
import torch

from slmrec.models.prefix_cache import PrefixCache, PrefixKV, RecordingCache, prompt_mask

KEYS = torch.arange(8.0).view(1, 2, 2, 2)  # one prompt of 2 words, 2 heads of width 2
VALUES = KEYS + 100


def test_a_prompts_keys_and_values_stand_before_those_of_each_history() -> None:
    history = torch.zeros(3, 2, 5, 2)
    keys, values = PrefixKV(KEYS, VALUES).update(history, history + 1, 0)
    assert keys.shape == values.shape == (3, 2, 2 + 5, 2)
    for row in range(3):
        assert torch.equal(keys[row, :, :2], KEYS[0]) and torch.equal(values[row, :, :2], VALUES[0])
    assert torch.equal(keys[:, :, 2:], history) and torch.equal(values[:, :, 2:], history + 1)


def test_what_a_layer_computes_is_recorded_and_handed_back_as_it_is() -> None:
    cache = RecordingCache()
    assert cache.update(KEYS, VALUES, 0) == (KEYS, VALUES)
    assert cache.prefix_kv().keys is KEYS and cache.prefix_kv().values is VALUES


def test_a_recording_of_more_than_one_layer_is_an_error() -> None:
    cache = RecordingCache()
    cache.update(KEYS, VALUES, 0)
    cache.update(KEYS, VALUES, 1)
    with pytest.raises(ValueError, match="too many values"):
        cache.prefix_kv()


def test_each_layer_gets_its_own_keys_and_values_as_constants() -> None:
    cache = PrefixCache([PrefixKV(KEYS, VALUES), PrefixKV(KEYS + 1, VALUES + 1)])
    assert cache.length == 2
    assert torch.equal(cache.of_layer(1).keys, KEYS + 1)
    assert torch.equal(cache.of_layer(1).values, VALUES + 1)
    assert torch.equal(cache.of_layer(0).keys, KEYS)
    assert not list(cache.parameters())


def test_a_position_attends_to_the_prompt_to_itself_and_to_what_came_before() -> None:
    mask = prompt_mask(2, 3, torch.device("cpu"))
    assert mask.shape == (1, 1, 3, 5)
    assert mask[0, 0].long().tolist() == [
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ]
