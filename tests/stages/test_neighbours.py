"""The stage `neighbours`: tables of all items, the same bytes whenever it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.files import sha256_of_folder
from slmrec.neighbours.table import Neighbours
from slmrec.stages import neighbours
from tests.support.logs import Workshop
from tests.support.small_pipeline import HISTORIES, ITEMS, NEIGHBOURS, prepare_small_project


@pytest.fixture
def found(workshop: Workshop) -> Neighbours:
    """What the stage finds in the small project, whose items follow each other on a ring."""
    prepare_small_project(workshop)
    neighbours.main(Path("events"), HISTORIES, neighbours_dir=NEIGHBOURS)
    return Neighbours.load(NEIGHBOURS)


def test_items_that_follow_each_other_are_the_best_neighbours(found: Neighbours) -> None:
    table = found.tables["graph"]
    assert table.items.shape == (ITEMS + 2, 50)
    # i(n + 1) follows i(n), and by first appearance it has the next index
    assert table.items[5, 0] == 6
    assert list(found.tables) == ["graph", "transitions"]  # no titles, no table of them
    assert found.tables["transitions"].items[5, 0] == 6


def test_a_second_run_gives_the_same_bytes(found: Neighbours) -> None:
    first = sha256_of_folder(NEIGHBOURS, "*")
    neighbours.main(Path("events"), HISTORIES, neighbours_dir=NEIGHBOURS)
    assert sha256_of_folder(NEIGHBOURS, "*") == first
