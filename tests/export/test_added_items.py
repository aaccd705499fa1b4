"""Items known by their titles alone, in a bundle between two trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError, DataError, UsageError
from slmrec.core.vocabulary import UNK
from slmrec.export.added_items import AddSettings, add_items
from slmrec.export.new_items import NewItems
from slmrec.export.titled_extension import TitleSettings
from slmrec.params.neighbours import TitleParams
from slmrec.registry.version import LEVEL_NAMES, Interface, changes, level_of
from slmrec.runtime import Recommender, Stepper, UserTower, verify
from slmrec.runtime.bundle import Bundle, read_bundle
from slmrec.runtime.items import ServedItems
from tests.support.bundles import MAX_LENGTH, ROWS
from tests.support.titled_bundles import TITLE_TERMS, make_titled_bundle, titled_items

SETTINGS = AddSettings(TitleSettings(TITLE_TERMS, 3), 1.0, "2026-11-26", 1)
NEW = NewItems(
    ["n1", "n2", "n3"], ["red apple 12", "green bread fresh", "blue cheese"], {"n0": "no title"}
)
NEW_INDICES = np.arange(ROWS, ROWS + 3)[None]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(False, id="alone"),
        pytest.param(True, id="neighbours", marks=pytest.mark.acceptance),
    ],
)
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("old") / "bundle"
    return read_bundle(make_titled_bundle(folder, request.param))


@pytest.fixture(scope="module")
def extended(old: Bundle) -> Path:
    out = old.folder.parent / "extended"
    add_items(old, NEW, SETTINGS, out)
    return out


def test_the_new_bundle_is_verified_like_any_other(extended: Path) -> None:
    assert verify(extended, "cpu", 1).cases == 11  # one more than an export's: of new items
    contract = read_bundle(extended).contract
    assert contract["items"]["rows"] == ROWS + 3
    (record,) = contract["additions"]
    assert (record["date"], record["first"], record["items"]) == ("2026-11-26", ROWS, 3)
    assert "2026-11-26: 3 items from index 42 on" in (extended / "MODEL_CARD.md").read_text()


def test_a_consumer_of_the_old_bundle_sees_a_minor_change(old: Bundle, extended: Path) -> None:
    found = changes(Interface.of(old), Interface.of(read_bundle(extended)))
    assert [change.what for change in found] == ["ids: 3 items are appended"]
    assert LEVEL_NAMES[level_of(found)] == "minor"


def test_known_items_keep_their_lists_and_scores_to_the_bit(old: Bundle, extended: Path) -> None:
    before, after = (Recommender(folder, "cpu", 1) for folder in (old.folder, extended))
    histories = np.random.default_rng(1).integers(UNK, ROWS, (200, MAX_LENGTH))
    k = before.largest_k
    wanted = before.recommend_indices(histories, histories[:, :0], k)
    excluded = after.recommend_indices(histories, NEW_INDICES, k)
    np.testing.assert_array_equal(excluded.items, wanted.items)
    np.testing.assert_array_equal(excluded.scores, wanted.scores)
    together = after.recommend_indices(histories, histories[:, :0], k + 3)
    known = together.items < ROWS
    assert (known.sum(axis=1) == k).all()
    np.testing.assert_array_equal(together.items[known].reshape(-1, k), wanted.items)
    np.testing.assert_array_equal(together.scores[known].reshape(-1, k), wanted.scores)


def test_new_items_are_listed_by_their_ids_and_titles(extended: Path) -> None:
    recommender = Recommender(extended, "cpu", 1)
    listed = {
        item.item: item.title
        for items in recommender.recommend([[f"i{place}"] for place in range(2, ROWS)], 10)
        for item in items
        if item.item.startswith("n")
    }
    assert listed.items() <= dict(zip(NEW.ids, NEW.titles, strict=True)).items()
    assert listed
    assert recommender.items.statuses[-3:] == ["listed"] * 3


def test_a_new_item_in_a_history_is_known_and_counts(extended: Path) -> None:
    recommender = Recommender(extended, "cpu", 1)
    known, unknown = (
        recommender.recommend([history], 10, unknown="ignore")
        for history in (["i4", "n1"], ["i4", "nowhere"])
    )
    assert (known.unknown.histories, unknown.unknown.histories) == (0, 1)
    assert [item.score for item in known[0]] != [item.score for item in unknown[0]]


def test_a_like_title_brings_a_new_item_forward(extended: Path) -> None:
    """Of two histories the one with the like title gives the new item the better place."""
    if not read_bundle(extended).contract["neighbours"]:
        pytest.skip("a small model at random knows nothing of titles")
    recommender = Recommender(extended, "cpu", 1)
    place = {title: index for index, title in enumerate(titled_items().titles)}
    like = next(index for title, index in place.items() if str(title).startswith("red apple"))
    unlike = next(index for title, index in place.items() if str(title).startswith("pink dates"))
    ranks = [
        [item.item for item in items].index("n1")
        for items in recommender.recommend(
            [[titled_items().ids[like]], [titled_items().ids[unlike]]], recommender.largest_k - 2
        )
    ]
    assert ranks[0] < ranks[1]


def test_the_further_graphs_know_the_new_items_too(extended: Path) -> None:
    recommender, tower = Recommender(extended, "cpu", 1), UserTower(extended, "cpu", 1)
    assert tower.item_vectors.items[-3:].tolist() == [ROWS, ROWS + 1, ROWS + 2]
    stepper = Stepper.load(extended, "cpu", 1)
    user = stepper.new_user(["i4", "n1"])
    (stepped,) = stepper.step([user], ["n2"], 10)
    (whole,) = recommender.recommend([["i4", "n1", "n2"]], 10)
    assert [item.item for item in stepped] == [item.item for item in whole]


def test_a_second_addition_stands_behind_the_first(
    old: Bundle, extended: Path, tmp_path: Path
) -> None:
    second = NewItems(["m1"], ["white cheese"], {})
    add_items(read_bundle(extended), second, SETTINGS, tmp_path / "twice")
    twice = read_bundle(tmp_path / "twice")
    assert [record["first"] for record in twice.contract["additions"]] == [ROWS, ROWS + 3]
    assert level_of(changes(Interface.of(read_bundle(extended)), Interface.of(twice))) == 1
    before, after = (Recommender(folder, "cpu", 1) for folder in (extended, twice.folder))
    histories = np.random.default_rng(2).integers(UNK, ROWS + 3, (50, MAX_LENGTH))
    wanted = before.recommend_indices(histories, histories[:, :0], 20)
    actual = after.recommend_indices(histories, np.array([[ROWS + 3]]), 20)
    np.testing.assert_array_equal(actual.items, wanted.items)
    np.testing.assert_array_equal(actual.scores, wanted.scores)


def test_more_exposure_lists_new_items_more_often(old: Bundle, tmp_path: Path) -> None:
    shares = [
        add_items(old, NEW, replace(SETTINGS, exposure=exposure), tmp_path / f"{exposure}").share
        for exposure in (0.5, 1.0, 3.0)
    ]
    # 39 known candidates: each of 3 new items is wanted `exposure` times as often as one of them.
    for share, exposure in zip(shares, (0.5, 1.0, 3.0), strict=True):
        wanted = 3 * exposure / (3 * exposure + 39)
        assert share == pytest.approx(wanted, abs=0.02)


def test_the_same_items_give_the_same_bytes(old: Bundle, extended: Path, tmp_path: Path) -> None:
    add_items(old, NEW, SETTINGS, tmp_path / "again")
    manifests = [
        (folder / "MANIFEST.sha256").read_text() for folder in (extended, tmp_path / "again")
    ]
    assert manifests[0] == manifests[1]


def test_an_item_whose_title_is_like_no_other_is_left_out(old: Bundle, tmp_path: Path) -> None:
    new = NewItems(["n1", "x"], ["red apple", "quite otherwise"], {})
    added = add_items(old, new, SETTINGS, tmp_path / "out")
    assert added.new.ids == ["n1"]
    assert list(added.new.left_out) == ["x"]
    with pytest.raises(DataError, match="none of 1 new titles has a word in common"):
        add_items(old, NewItems(["x"], ["quite otherwise"], {}), SETTINGS, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_titles_compared_otherwise_are_refused(old: Bundle, tmp_path: Path) -> None:
    if not old.contract["neighbours"]:
        pytest.skip("there is nothing that titles were compared for")
    terms = TitleParams(words=1, most_titles=100)
    settings = replace(SETTINGS, titles=TitleSettings(terms, 3))
    with pytest.raises(DataError, match="give --words and --most-titles as"):
        add_items(old, NEW, settings, tmp_path / "out")


def test_a_bundle_without_titles_and_a_folder_that_exists_are_refused(
    old: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="exists, and a bundle is never written over"):
        add_items(old, NEW, SETTINGS, tmp_path)
    items = titled_items()
    untitled = ServedItems(items.ids, [None] * len(items.ids), items.statuses, items.index)
    bundle = read_bundle(make_titled_bundle(tmp_path / "untitled", False, untitled))
    with pytest.raises(DataError, match=r"items have no titles.*train again"):
        add_items(bundle, NEW, SETTINGS, tmp_path / "out")


def test_a_graph_of_another_slmrec_is_refused(old: Bundle, tmp_path: Path) -> None:
    graphs = old.contract["graphs"] | {"other": {"file": "other.onnx"}}
    other = replace(old, contract=old.contract | {"graphs": graphs})
    with pytest.raises(BundleError, match=r"has a graph other\.onnx of another slmrec"):
        add_items(other, NEW, SETTINGS, tmp_path / "out")
