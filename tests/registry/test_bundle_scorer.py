"""A bundle scores histories that number their items as another bundle does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.core.vocabulary import FIRST_ITEM, UNK
from slmrec.dataset.histories import Histories
from slmrec.registry.bundle_scorer import BundleScorer
from tests.support.bundles import RETIRED_ITEM, ROWS, scores_in_torch, served_items
from tests.support.histories import histories_of
from tests.support.registries import bundle_of, renamed_items

SWAPPED = {"i9": "i12", "i12": "i9"}
HISTORY = [9, 5, 12, 9]


@pytest.fixture(scope="module")
def histories() -> Histories:
    return histories_of([[*HISTORY, 3, 4]], 6)


def scores(scorer: BundleScorer) -> np.ndarray:
    """Scores after the first four items of the only user.  # (columns,)"""
    return scorer.score(np.array([0]), np.array([4])).numpy()[0]


def test_its_own_items_score_as_in_torch(tmp_path: Path, histories: Histories) -> None:
    scorer = BundleScorer(bundle_of(tmp_path / "bundle"), histories, served_items())
    actual, expected = scores(scorer), scores_in_torch(HISTORY)
    served = np.flatnonzero(scorer.candidates().numpy())
    assert len(served) == ROWS - FIRST_ITEM - 1  # one is retired
    np.testing.assert_allclose(actual[served], expected[served], rtol=1e-4, atol=1e-4)
    assert np.isneginf(actual[[0, UNK, RETIRED_ITEM]]).all()


def test_the_same_items_under_other_indices_score_the_same(
    tmp_path: Path, histories: Histories
) -> None:
    scorer = BundleScorer(bundle_of(tmp_path / "bundle"), histories, renamed_items(SWAPPED))
    expected = scores_in_torch([12, 5, 9, 12])  # what the histories call 9 is the bundle's 12
    actual = scores(scorer)
    assert scorer.columns == ROWS
    np.testing.assert_allclose(actual[[9, 12, 20]], expected[[12, 9, 20]], rtol=1e-4, atol=1e-4)


def test_an_item_that_the_bundle_does_not_know_is_unknown_and_a_miss(
    tmp_path: Path, histories: Histories
) -> None:
    scorer = BundleScorer(
        bundle_of(tmp_path / "bundle"), histories, renamed_items({"i9": "new", "i8": "newer"})
    )
    actual, expected = scores(scorer), scores_in_torch([UNK, 5, 12, UNK])
    assert np.isneginf(actual[[8, 9]]).all()
    np.testing.assert_allclose(actual[20], expected[20], rtol=1e-4, atol=1e-4)


def test_an_item_that_the_bundle_alone_knows_takes_its_place_behind_the_others(
    tmp_path: Path, histories: Histories
) -> None:
    scorer = BundleScorer(
        bundle_of(tmp_path / "bundle"), histories, renamed_items({"i9": "new", "i8": "newer"})
    )
    expected = scores_in_torch([UNK, 5, 12, UNK])
    assert scorer.columns == ROWS + 2
    assert scorer.candidates()[ROWS:].all()
    np.testing.assert_allclose(scores(scorer)[ROWS:], expected[[8, 9]], rtol=1e-4, atol=1e-4)
