"""A part of `slmrec embed` holds what the user tower gives, and says what was unknown to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime import UserTower
from slmrec.runtime.bundle import read_bundle
from slmrec.scoring import part
from slmrec.scoring.part import Counts
from slmrec.scoring.vectors import Vectors
from tests.support.scored import histories_of, walks


@pytest.fixture(scope="module")
def tower(small_bundle: Path) -> UserTower:
    return UserTower(small_bundle, "cpu", 1)


def test_vectors_are_the_user_towers(tower: UserTower) -> None:
    lists = walks(50)
    table, _ = Vectors().answer(tower, histories_of(lists))
    assert table["vector"].type == pa.list_(pa.float32(), tower.width)
    assert table["user"].to_pylist() == [f"u{row}" for row in range(50)]
    expected = tower.embed(lists, unknown="ignore").vectors
    np.testing.assert_array_equal(np.array(table["vector"].to_pylist(), np.float32), expected)


def test_users_are_embedded_in_groups_of_a_fixed_size(
    tower: UserTower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "USERS_AT_ONCE", 8)
    histories = histories_of(walks(32))
    whole, _ = Vectors().answer(tower, histories)
    second, _ = Vectors().answer(tower, histories.slice(8, 8))
    assert whole.slice(8, 8).equals(second)


def test_unknown_items_are_counted_user_by_user_and_in_all(tower: UserTower) -> None:
    lists = [["i2", "who", "i3", "who"], [], ["i5"], ["what"]]
    table, counts = Vectors().answer(tower, histories_of(lists))
    assert table["unknown_items"].to_pylist() == [2, 0, 0, 1]
    assert counts == Counts(
        users=4, ids=4 + 0 + 1 + 1, unknown_ids=3, first_unknown="who", empty_histories=1
    )
    vectors = table["vector"].to_pylist()
    assert vectors[1] == pytest.approx(vectors[3], rel=1e-5, abs=1e-6)  # as one unknown item


def test_a_bundle_without_a_user_tower_says_which_setting_gives_one(small_bundle: Path) -> None:
    bundle = read_bundle(small_bundle)
    assert Vectors().of_bundle(bundle) == Vectors()
    del bundle.contract["graphs"]["user_tower"]
    with pytest.raises(BundleError, match=r"add it to export_onnx\.graphs and export again"):
        Vectors().of_bundle(bundle)
