"""The item graph: which items follow which in training histories, weighted and normalised.

An item graph that learns nothing rivals trained models on many logs (GraphRec, arXiv 2605.07125).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, vstack

from slmrec.dataset.histories import Histories
from slmrec.neighbours.sparse_rows import best_per_row, row_blocks
from slmrec.params.neighbours import GraphParams

PAIRS_AT_ONCE = 20_000_000  # bounds memory: a pair takes some 50 bytes on its way into the graph


def item_graph(histories: Histories, items: int, p: GraphParams, count: int) -> csr_matrix:
    """Each item's `count` best neighbours by the training events; `items` counts all indices.

    A pair of events d apart in one history adds d ** -closeness to the edge from the earlier item
    to the later one, and `backward` of it to the edge back, halved as often as `half_life` passed
    since the event that the edge leaves: then neighbours of one event age alike. An edge is divided
    by powers of its items' numbers of events.  # (I, I) float64
    """
    pairs = _TrainingPairs.of(histories, p)
    events = np.bincount(histories.training_items(), minlength=items).clip(min=1)
    into = diags(events**-p.target_power)
    blocks = []
    for block in row_blocks(2 * p.distance * events, PAIRS_AT_ONCE):
        edges = diags(events[block] ** -p.source_power) @ pairs.edges(block, items) @ into
        blocks.append(best_per_row(edges.tocsr(), count))
    graph = vstack(blocks, format="csr")
    return with_two_hops(graph, p.two_hops, count) if p.two_hops else graph


def transition_graph(histories: Histories, items: int, count: int) -> csr_matrix:
    """Each item's `count` likeliest next ones: how often they followed it directly, by its events.

    A first-order Markov chain by maximum likelihood. Where people click along it says more than all
    that stood near. Its pairs do not age: it tells how a site leads on, beside `item_graph`, which
    may tell what is bought together lately.  # (I, I) float64
    """
    chain = GraphParams(
        distance=1,
        closeness=0,
        backward=0,
        source_power=1,
        target_power=0,
        two_hops=0,
        half_life=None,
    )
    return item_graph(histories, items, chain, count)


@dataclass(frozen=True)
class _TrainingPairs:
    """Events as one flat array, and which of them begin a pair at each distance."""

    events: np.ndarray  # (E,) int32, the items of all histories
    begins: list[np.ndarray]  # of each distance d: (E - d,) bool, whether event and event + d pair
    freshness: np.ndarray  # (E,) float64, what the edges that leave an event are multiplied by
    p: GraphParams

    @staticmethod
    def of(histories: Histories, p: GraphParams) -> _TrainingPairs:
        """Pairs of different items, of two training events of one user."""
        events, trained = histories.items.astype(np.int32), histories.in_training()
        lengths = np.diff(histories.offsets)
        users = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        begins = [
            (users[:-d] == users[d:]) & (events[:-d] != events[d:]) & trained[:-d] & trained[d:]
            for d in range(1, p.distance + 1)
        ]
        return _TrainingPairs(events, begins, _freshness(histories, p.half_life), p)

    def edges(self, block: slice, items: int) -> csr_matrix:
        """Summed weights of the edges that leave the items of a block.  # (block, I) float64"""
        leaves = (self.events >= block.start) & (self.events < block.stop)  # (E,)
        sources, targets, weights = [], [], []
        for d, begins in enumerate(self.begins, start=1):
            forward = np.flatnonzero(begins & leaves[:-d])
            back = np.flatnonzero(begins & leaves[d:]) + d
            sources += [self.events[forward], self.events[back]]
            targets += [self.events[forward + d], self.events[back - d]]
            closeness = d**-self.p.closeness
            weights += [closeness * self.freshness[forward]]
            weights += [closeness * self.p.backward * self.freshness[back]]
        rows = np.concatenate(sources) - block.start
        places = (rows, np.concatenate(targets))
        shape = (block.stop - block.start, items)
        return coo_matrix((np.concatenate(weights), places), shape=shape).tocsr()


def _freshness(histories: Histories, half_life: float | None) -> np.ndarray:
    """1 for the newest training event, a half for each half-life before it.  # (E,) float64"""
    times = histories.training_times()
    if half_life is None or not len(times) or times.min() == times.max():
        return np.ones(len(histories.items))
    newest, span = times.max(), times.max() - times.min()
    # What comes after training makes no pair; its negative age would only overflow.
    age = np.maximum(newest - histories.times, 0)
    return 0.5 ** (age / (half_life * span))


def with_two_hops(graph: csr_matrix, weight: float, count: int) -> csr_matrix:
    """The graph with `weight` times the mean row of each item's neighbours.  # (I, I)

    The mean is weighted as the edges to the neighbours are; an item is no neighbour of its own.
    """
    totals = np.asarray(graph.sum(axis=1)).ravel()
    shares = diags(1 / np.where(totals > 0, totals, 1)) @ graph
    degrees = np.diff(graph.indptr)
    blocks = []
    for block in row_blocks(degrees * count, PAIRS_AT_ONCE):
        rows = (graph[block] + weight * (graph[block] @ shares)).tocoo()
        rows.data[rows.row + block.start == rows.col] = 0
        blocks.append(best_per_row(rows.tocsr(), count))
    return vstack(blocks, format="csr")
