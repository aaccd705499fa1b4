"""What follows from new items: vectors, contract, golden cases, and the check of known ones."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from slmrec.core.errors import BundleError
from slmrec.export.added_parts import check_known_items, extended_contract, longer_vectors
from slmrec.export.extended_graph import Extension, extended_graph
from slmrec.runtime.bundle import Bundle, read_bundle
from slmrec.runtime.further_graphs import ITEM_VECTORS
from slmrec.runtime.item_vectors import read_item_vectors
from slmrec.runtime.session import RunGraph, open_session, run_graph
from tests.support.bundles import ROWS
from tests.support.titled_bundles import exported, make_titled_bundle, titled_items

EXTENSION = Extension(
    old_rows=ROWS,
    old_candidates=titled_items().candidates,
    rows=np.zeros((2, 8), np.float32),
    columns=np.ones((2, 8), np.float32),
    added=np.zeros(2, np.float32),
    neighbours=(),
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder: Path = tmp_path_factory.mktemp("bundles") / "bundle"
    return read_bundle(make_titled_bundle(folder, False))


def run_extended(extension: Extension) -> RunGraph:
    graph = extended_graph(exported(False)[0], extension)
    return partial(run_graph, open_session(graph.SerializeToString(), "cpu", 1))


def test_new_vectors_stand_behind_the_old_ones_and_end_in_no_bonus(bundle: Bundle) -> None:
    before = read_item_vectors(bundle.files[ITEM_VECTORS])
    after = read_item_vectors(longer_vectors(bundle, EXTENSION) or b"")
    assert after.items.tolist() == [*before.items.tolist(), ROWS, ROWS + 1]
    np.testing.assert_array_equal(after.vectors[:-2], before.vectors)
    assert after.vectors[-1].tolist() == [1.0] * 8 + [0.0]


def test_a_bundle_without_vectors_gets_none(bundle: Bundle) -> None:
    files = {name: data for name, data in bundle.files.items() if name != ITEM_VECTORS}
    assert longer_vectors(replace(bundle, files=files), EXTENSION) is None


def test_the_contract_keeps_what_it_said_and_names_each_addition(bundle: Bundle) -> None:
    vectors = bundle.files[ITEM_VECTORS]
    once = extended_contract(bundle.contract, titled_items(), {"items": 2}, vectors)
    twice = extended_contract(once, titled_items(), {"items": 1}, vectors)
    assert twice["additions"] == [{"items": 2}, {"items": 1}]
    assert "additions" not in bundle.contract
    assert {**twice, "additions": None} == {**bundle.contract, "additions": None}


def test_known_items_that_change_are_found(bundle: Bundle) -> None:
    check_known_items(bundle, run_extended(EXTENSION), EXTENSION)
    run = run_extended(EXTENSION)

    def moved(history: np.ndarray, exclude: np.ndarray, k: int) -> object:
        return run(np.roll(history, 1, axis=1) + 1, exclude, k)

    with pytest.raises(BundleError, match="with the new items known ones change"):
        check_known_items(bundle, moved, EXTENSION)  # type: ignore[arg-type]
