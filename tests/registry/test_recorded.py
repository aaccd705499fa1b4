"""Histories are recorded with their lists, in ids, and another bundle's lists are not taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.registry import recorded
from slmrec.registry.recorded import read_recorded, record, replay
from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle
from tests.support.registries import NOISE, bundle_of

HISTORIES = [["i5", "i9", "i3"], ["i2"], ["i40", "i41", "i2", "i3", "i4", "i5", "i6", "i9", "i10"]]


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """A bundle that leaves out what a history holds."""
    return Recommender(make_bundle(tmp_path_factory.mktemp("recorded") / "bundle"), "cpu", 1)


def test_a_line_holds_what_the_bundle_recommends(recommender: Recommender) -> None:
    entries = read_recorded(record(recommender, HISTORIES))
    lists = recommender.recommend(HISTORIES, 10)
    for entry, history, expected in zip(entries, HISTORIES, lists, strict=True):
        assert entry.history == history
        assert entry.items == [item.item for item in expected]
        assert entry.scores == pytest.approx([item.score for item in expected])
        assert not set(entry.items) & set(history)


def test_the_spread_is_that_of_all_scores(recommender: Recommender) -> None:
    (entry,) = read_recorded(record(recommender, HISTORIES[:1]))
    (everything,) = recommender.recommend(HISTORIES[:1], recommender.largest_k)
    assert entry.spread == pytest.approx(np.std([item.score for item in everything]), rel=1e-5)


def test_a_user_who_has_nearly_everything_gets_what_is_left(recommender: Recommender) -> None:
    nearly_all = [f"i{place}" for place in range(2, 39)]
    entries = read_recorded(record(recommender, [nearly_all]))
    assert sorted(entries[0].items) == ["i39", "i40", "i41"]
    assert replay(recommender, entries) == 0.0


def test_the_same_bundle_replays_to_the_same(recommender: Recommender) -> None:
    assert replay(recommender, read_recorded(record(recommender, HISTORIES))) == 0.0
    assert replay(recommender, []) == 0.0


def test_batches_change_nothing(recommender: Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = record(recommender, HISTORIES)
    monkeypatch.setattr(recorded, "SCORES_AT_ONCE", 50)  # one history at a time
    single = record(recommender, HISTORIES)
    pairs = zip(read_recorded(whole), read_recorded(single), strict=True)
    assert all(left.items == right.items for left, right in pairs)
    assert replay(recommender, read_recorded(whole)) < 1e-5


def test_another_bundle_is_refused_by_the_first_history_that_differs(
    recommender: Recommender, tmp_path: Path
) -> None:
    other = bundle_of(tmp_path / "other", NOISE)
    with pytest.raises(BundleError, match="recorded history 1 gets another list here"):
        replay(other, read_recorded(record(recommender, HISTORIES)))


def test_one_score_or_one_item_that_differs_is_seen(recommender: Recommender) -> None:
    entries = read_recorded(record(recommender, HISTORIES))
    scores = [entries[1].scores[0] + 0.01 * entries[1].spread, *entries[1].scores[1:]]
    off = [entries[0], replace(entries[1], scores=scores), entries[2]]
    with pytest.raises(BundleError, match=r"recorded history 2 .* differ by 1\.0e-02"):
        replay(recommender, off)
    swapped = [*entries[2].items[1::-1], *entries[2].items[2:]]
    with pytest.raises(BundleError, match="recorded history 3"):
        replay(recommender, [*entries[:2], replace(entries[2], items=swapped)])


@pytest.mark.parametrize("line", ["{", json.dumps({"history": []}), "[1]"])
def test_anything_else_is_no_recording(line: str) -> None:
    with pytest.raises(BundleError, match="holds no recorded histories"):
        read_recorded(line.encode())
