"""What models were trained on: the same ids in the same order, with new ones behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import DataError
from slmrec.core.trained_on import NAME, TrainedOn, digest_of, read_trained_on

IDS = ["a", "b,c", "d\ne"]
TRAINED_ON = TrainedOn("1.0.0", "temporal", 7, len(IDS), digest_of(IDS))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_trained_on(tmp_path) is None
    TRAINED_ON.write(tmp_path)
    assert read_trained_on(tmp_path) == TRAINED_ON


@pytest.mark.parametrize(
    ("ids", "same"),
    [
        (IDS, True),
        ([*IDS, "new"], True),
        (["new", *IDS], False),
        (["b,c", "a", "d\ne"], False),
        (IDS[:2], False),
        (["a", "b", "c", "d\ne"], False),
        (["a", "b,c\nd", "e"], False),
    ],
)
def test_new_items_stand_behind_the_known_ones(ids: list[str], same: bool) -> None:
    assert TRAINED_ON.numbers_as(ids) is same


def test_something_else_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"version": "1.0.0"}')
    with pytest.raises(DataError, match=r"is not what a retraining writes .*; delete it"):
        read_trained_on(tmp_path)
