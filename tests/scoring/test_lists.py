"""A part of `slmrec score` holds what the recommender answers, and counts what was odd."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import UsageError
from slmrec.runtime import Recommender
from slmrec.runtime.bundle import read_bundle
from slmrec.scoring import part
from slmrec.scoring.lists import Lists
from slmrec.scoring.part import Counts
from tests.support.scored import histories_of, walks


@pytest.fixture(scope="module")
def recommender(small_bundle: Path) -> Recommender:
    return Recommender(small_bundle, "cpu", 1)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_lists_and_scores_are_the_recommenders(
    recommender: Recommender, exclude_seen: bool
) -> None:
    lists = walks(50)
    table, _ = Lists(5, exclude_seen).answered_by(recommender)(histories_of(lists))
    expected = recommender.recommend(lists, 5, exclude_seen, unknown="ignore")
    assert table["user"].to_pylist() == [f"u{row}" for row in range(50)]
    assert table["items"].to_pylist() == [[item.item for item in best] for best in expected]
    assert table["scores"].to_pylist() == [[item.score for item in best] for best in expected]


def test_users_are_scored_in_groups_of_a_fixed_size(
    recommender: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "USERS_AT_ONCE", 8)
    lists = walks(32)
    whole, _ = Lists(5, True).answered_by(recommender)(histories_of(lists))
    second, _ = Lists(5, True).answered_by(recommender)(histories_of(lists).slice(8, 8))
    assert whole.slice(8, 8).equals(second)


def test_everything_odd_is_counted(recommender: Recommender) -> None:
    everything = [f"i{item}" for item in range(2, 40)]  # of 39 candidates 2 are left, i40 and i41
    lists = [["i2", "who", "i3"], [], everything, ["what"]]
    _, counts = Lists(5, True).answered_by(recommender)(histories_of(lists))
    assert counts == Counts(
        users=4,
        ids=3 + 0 + 38 + 1,
        unknown_ids=2,
        first_unknown="who",
        empty_histories=1,
        short_lists=1,
    )


def test_what_is_left_open_is_the_contracts(small_bundle: Path) -> None:
    bundle = read_bundle(small_bundle)
    assert Lists(5, None).of_bundle(bundle) == Lists(5, True)  # as the contract says
    assert Lists(5, False).of_bundle(bundle) == Lists(5, False)
    with pytest.raises(UsageError, match="has 39 items to recommend"):
        Lists(40, None).of_bundle(bundle)
