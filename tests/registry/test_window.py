"""Everybody is measured on the same targets, and what a bundle cannot recommend is a miss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slmrec.ranking.metrics import NEVER_LISTED
from slmrec.registry.window import Standing, Window
from tests.support.bundles import served_items
from tests.support.histories import histories_of
from tests.support.registries import (
    USERS,
    bundle_of,
    evaluate_params,
    gate_params,
    small_window,
    suited_histories,
)


def standing(ranks: list[int]) -> Standing:
    return Standing(np.array(ranks), 0.5)


@pytest.fixture(scope="module")
def window() -> Window:
    """Three users of three targets each."""
    histories = histories_of([[2, 3, 4, 5], [6, 9, 10, 11], [3, 4, 5, 6]], 6)
    return Window(
        histories, histories.targets["test"], served_items(), evaluate_params(), gate_params()
    )


def test_a_bundle_that_foresees_every_target_ranks_it_first(tmp_path: Path) -> None:
    suited = small_window().bundle(bundle_of(tmp_path / "bundle"))
    assert suited.ranks.tolist() == [1] * USERS
    assert suited.figures(suited_histories().targets["test"].row)["ndcg@10"] == 1.0


def test_a_target_that_the_bundle_does_not_know_is_a_miss(tmp_path: Path) -> None:
    histories = suited_histories()
    targets = histories.target_items(histories.targets["test"])
    wanted = int(targets[0])
    champion = bundle_of(tmp_path / "bundle", names={f"i{wanted}": "another"})
    ranks = small_window().bundle(champion).ranks
    assert (ranks[targets == wanted] == NEVER_LISTED).all()
    assert (ranks[targets != wanted] != NEVER_LISTED).all()


def test_baselines_are_those_of_the_report(tmp_path: Path) -> None:
    baselines = small_window().baselines(bundle_of(tmp_path / "bundle"))
    assert set(baselines) == {"popularity", "recent_popularity", "last_item_transition"}
    assert all(len(baseline.ranks) == USERS for baseline in baselines.values())


def test_means_and_differences_are_over_users(window: Window) -> None:
    first, tenth = standing([1, 1, 1]), standing([10, 1, 11])
    assert window.mean(tenth, "hr@10") == pytest.approx(2 / 3)
    assert window.mean(tenth, "ndcg@10") == pytest.approx((1 / np.log2(11) + 1 + 0) / 3)
    assert window.difference(first, first, "ndcg@10") == [0.0, 0.0]
    low, high = window.difference(first, tenth, "hr@10")
    assert 0 <= low < 1 / 3 < high <= 1


def test_a_slice_has_its_own_users_and_mean(window: Window) -> None:
    window.slices["tail_items"] = np.array([True, False, True])
    assert window.slice_means(standing([1, 1, 11]), "tail_items") == (2, 0.5)
    window.slices["tail_items"] = np.zeros(3, dtype=bool)
    assert window.slice_means(standing([1, 1, 11]), "tail_items") == (0, 0.0)
