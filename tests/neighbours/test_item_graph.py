"""The item graph: pairs of training events, weighted by distance, direction and popularity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slmrec.neighbours import item_graph as module
from slmrec.neighbours.item_graph import item_graph, transition_graph
from slmrec.params.neighbours import GraphParams
from tests.support.histories import histories_of, ring_histories

ITEMS = 8
PLAIN = GraphParams(
    distance=3,
    closeness=1.0,
    backward=0.0,
    source_power=0.0,
    target_power=0.0,
    two_hops=0.0,
    half_life=None,
)
# The last two events of a history are targets: 7 is nobody's neighbour.
HISTORIES = histories_of([[2, 3, 4, 7, 7], [2, 3, 2, 7, 7]], max_length=10)


def edges(**changes: float | None) -> np.ndarray:
    p = PLAIN.model_copy(update=changes)
    return item_graph(HISTORIES, ITEMS, p, count=5).toarray()


def test_pairs_of_training_events_add_up_by_their_distance() -> None:
    graph = edges()
    assert graph[2, 3] == 2.0  # next to each other in both histories
    assert graph[2, 4] == 0.5  # two apart
    assert graph[3, 4] == 1.0
    assert graph[3, 2] == 1.0  # of the second history
    assert graph.sum() == 4.5  # neither targets, nor an item with itself, nor other users


def test_transitions_are_the_shares_of_what_followed_an_item_directly() -> None:
    chain = transition_graph(HISTORIES, ITEMS, count=5).toarray()
    # 2 has three training events, of which two are followed by 3, and one by a target
    assert chain[2, 3] == pytest.approx(2 / 3)
    assert (chain[3, 4], chain[3, 2]) == (pytest.approx(1 / 2), pytest.approx(1 / 2))
    assert np.count_nonzero(chain) == 3


def test_a_longer_distance_than_allowed_makes_no_pair() -> None:
    assert edges(distance=1)[2, 4] == 0.0


def test_closeness_zero_weighs_all_distances_alike() -> None:
    assert edges(closeness=0.0)[2, 4] == 1.0


def test_a_pair_counts_in_part_backwards_too() -> None:
    graph = edges(backward=0.5)
    assert graph[4, 3] == 0.5
    assert graph[3, 2] == 1.0 + 2 * 0.5


def test_edges_are_divided_by_powers_of_both_items_events() -> None:
    # training events: 2 has three, 3 has two, 4 has one
    graph = edges(source_power=1.0, target_power=0.5)
    assert graph[2, 3] == pytest.approx(2.0 / 3 / 2**0.5)
    assert graph[3, 4] == pytest.approx(1.0 / 2 / 1)


def test_the_best_neighbours_alone_stay() -> None:
    graph = item_graph(HISTORIES, ITEMS, PLAIN, count=1).toarray()
    assert graph[2].tolist() == [0, 0, 0, 2.0, 0, 0, 0, 0]


def test_neighbours_of_neighbours_count_by_the_share_of_the_way() -> None:
    # 3's edges lead to 2 and 4 in equal parts, 2's to 3 (four fifths) and to 4 (one fifth)
    graph = edges(two_hops=0.5)
    assert graph[2, 4] == pytest.approx(0.5 + 0.5 * 2.0 * 0.5)
    assert graph[3, 4] == pytest.approx(1.0 + 0.5 * 1.0 * 0.2)
    assert graph[2, 2] == 0.0  # an item is no neighbour of its own


def test_a_pair_weighs_half_for_each_half_life_since_it_was_seen() -> None:
    # training events at times 0, 1, 2 and 5, 6, 7; the event that an edge leaves says how old it is
    graph = edges(half_life=3 / 7, backward=0.5)
    assert graph[2, 3] == pytest.approx(0.5 ** (7 / 3) + 0.5 ** (2 / 3) + 0.5)
    assert graph[4, 3] == pytest.approx(0.5 * 0.5 ** (5 / 3))


def test_where_nothing_ages_the_clock_is_not_read() -> None:
    at_once = replace(HISTORIES, times=np.zeros_like(HISTORIES.times))
    graph = item_graph(at_once, ITEMS, PLAIN.model_copy(update={"half_life": 0.1}), count=5)
    assert (graph.toarray() == edges()).all()


def test_blocks_of_any_size_give_the_same_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    histories = ring_histories(60, 12, 8)
    changes = {"backward": 0.3, "two_hops": 0.4, "source_power": 0.5, "half_life": 0.3}
    p = PLAIN.model_copy(update=changes)
    whole = item_graph(histories, 14, p, count=3)
    monkeypatch.setattr(module, "PAIRS_AT_ONCE", 40)
    parts = item_graph(histories, 14, p, count=3)
    np.testing.assert_allclose(parts.toarray(), whole.toarray(), rtol=1e-12)


def test_histories_without_a_pair_give_an_empty_graph() -> None:
    assert item_graph(histories_of([[2, 3, 4]], 4), ITEMS, PLAIN, count=2).nnz == 0
