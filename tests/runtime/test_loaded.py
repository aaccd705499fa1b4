"""What `Recommender` and `UserTower` begin with: arguments, then the bundle, then the graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import BundleError, UsageError
from slmrec.runtime.bundle import read_bundle
from slmrec.runtime.loaded import load_graph


@pytest.mark.parametrize(
    ("device", "threads", "batch_size", "named"),
    [("gpu", 1, 1, "device"), ("cpu", 0, 1, "threads"), ("cpu", 1, 0, "batch_size")],
)
def test_a_wrong_argument_is_named_before_anything_is_read(
    device: Any, threads: int, batch_size: int, named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        load_graph("nowhere", "model", device, threads, batch_size)


def test_a_graph_comes_with_what_the_contract_says_of_it(bundle: Path) -> None:
    loaded = load_graph(bundle, "model", "cpu", 1, None)
    assert loaded.facts == loaded.bundle.contract["graph"]
    assert loaded.items.rows == loaded.bundle.contract["items"]["rows"]
    assert loaded.placed.device == "cpu"
    again = load_graph(read_bundle(bundle), "model", "cpu", 1, None)
    assert again.items == loaded.items


def test_a_graph_that_is_not_there_is_named_with_those_that_are(bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"has no graph tower, it has model"):
        load_graph(bundle, "tower", "cpu", 1, None)
