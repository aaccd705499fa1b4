"""How neighbours join a model's scores: chosen on validation targets, in seconds.

Of each target only the items that are neighbours of its input can change their places; beside them
a list of ten holds the best of the others. Both are kept, so that a blend is tried without scoring
the catalogue again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from slmrec.dataset.histories import Histories, Targets
from slmrec.neighbours.blend import Blend, Term
from slmrec.neighbours.scorers import recent_items
from slmrec.neighbours.table import Neighbours
from slmrec.neighbours.trend import DatedEvents, TrendScorer, choose_trend
from slmrec.ranking.candidates import mask_excluded
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.scorers import Scorer

DECAYS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0)
EPSILONS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# Where the search begins: neighbours that add a little, and such that decide much. From one of them
# alone it may stay beside the best (docs/training.md).
STARTS = (
    Blend(
        0.8,
        {"graph": Term(0.4, 0.3), "titles": Term(0.2, 0.3), "transitions": Term(0.2, 0.3)},
        None,
    ),
    Blend(
        0.8,
        {"graph": Term(2.8, 3.0), "titles": Term(1.4, 3.0), "transitions": Term(1.4, 3.0)},
        None,
    ),
)
LIST_LENGTH = 10
INPUTS_AT_ONCE = 64


@dataclass(frozen=True)
class TouchedItems:
    """Of n targets: the items that are neighbours of their inputs, and the best of the others."""

    scores: Tensor  # (n, M) the model's; -inf for what is never recommended, and beyond the last
    places: dict[str, Tensor]  # by table: (n, R * N) where each neighbour stands among the M
    weights: dict[str, Tensor]  # by table: (n, R, N), without decay
    others: Tensor  # (n, 11) best scores of the items that are nobody's neighbours
    target_place: Tensor  # (n,) where the target stands among the M; -1 where it is no neighbour
    target_score: Tensor  # (n,) the model's; -inf where the target is never recommended

    def sums(self, decay: float) -> dict[str, Tensor]:
        """By table, the neighbour sums of the touched items.  # (n, M) each"""
        sums = {}
        for source, weights in self.weights.items():
            decays = decay ** torch.arange(float(weights.shape[1]))[:, None]
            empty = torch.zeros_like(self.scores)
            flat = (weights * decays).flatten(1)
            sums[source] = empty.scatter_add_(1, self.places[source], flat)
        return sums

    def ranks(self, sums: dict[str, Tensor], terms: dict[str, Term]) -> np.ndarray:
        """The target's rank, ties against the model; exact up to 10.  # (n,) int64"""
        scores = self.scores.clone()  # (n, M)
        for source, term in terms.items():
            if term.weight:
                scores += term.weight * torch.log1p(sums[source] / term.epsilon)
        own = scores.gather(1, self.target_place.clamp(min=0)[:, None])  # (n, 1)
        own = torch.where(self.target_place[:, None] >= 0, own, self.target_score[:, None])
        reaching = (scores >= own).sum(dim=1) + (self.others >= own).sum(dim=1)
        never = self.target_score == -torch.inf
        return torch.where(never, LIST_LENGTH + 1, reaching).numpy()


def touched_items(
    scorer: Scorer,
    neighbours: Neighbours,
    histories: Histories,
    targets: Targets,
    candidates: Tensor,
) -> Iterator[TouchedItems]:
    """The touched items of each batch of targets; candidates (I,) bool."""
    target_items = torch.from_numpy(histories.target_items(targets))
    for first in range(0, len(targets.row), INPUTS_AT_ONCE):
        batch = slice(first, first + INPUTS_AT_ONCE)
        rows, stops = targets.row[batch], targets.input_stop[batch]
        scores = scorer.score(rows, stops)  # (n, I)
        mask_excluded(scores, histories, rows, stops, candidates)
        recent = recent_items(histories, rows, stops, neighbours.newest)
        yield _touched(scores, neighbours, recent, target_items[batch])


def _touched(
    scores: Tensor, neighbours: Neighbours, recent: Tensor, targets: Tensor
) -> TouchedItems:
    items = {source: table.items[recent].long() for source, table in neighbours.tables.items()}
    touched = torch.zeros_like(scores, dtype=torch.bool)
    for of_source in items.values():
        touched.scatter_(1, of_source.flatten(1), True)
    row, item = touched.nonzero(as_tuple=True)
    counts = touched.sum(dim=1)
    place = torch.arange(len(row)) - (counts.cumsum(0) - counts)[row]
    ordered = torch.zeros(len(scores), max(int(counts.max()), 1), dtype=torch.long)  # (n, M)
    is_touched = torch.zeros_like(ordered, dtype=torch.bool)
    ordered[row, place], is_touched[row, place] = item, True
    standing = torch.full_like(scores, -1, dtype=torch.int32)  # where each item stands in ordered
    standing[row, item] = place.int()
    lines = torch.arange(len(scores))
    others = scores.masked_fill(touched, -torch.inf).topk(
        min(LIST_LENGTH + 1, scores.shape[1]), dim=1
    )
    return TouchedItems(
        scores=scores.gather(1, ordered).masked_fill(~is_touched, -torch.inf),
        places={source: standing.gather(1, of.flatten(1)).long() for source, of in items.items()},
        weights={source: table.weights[recent] for source, table in neighbours.tables.items()},
        others=others.values,
        target_place=standing[lines, targets].long(),
        target_score=scores[lines, targets],
    )


def choose_blend(
    scorer: Scorer,
    neighbours: Neighbours,
    histories: Histories,
    targets: Targets,
    candidates: Tensor,
) -> tuple[Blend, dict[str, float]]:
    """The blend with the best NDCG@10 on `targets`, and the quality with and without it.

    The trend is chosen first, then, from each start, one setting of the neighbours after the other,
    as long as one changes: decay, then the weight and epsilon of each table. What does not help is
    left out.
    """
    shortest_first = np.argsort(targets.input_stop, kind="stable")  # hardly any padding in a batch
    targets = targets.at(shortest_first)
    trend, alone = choose_trend(scorer, histories, targets, candidates)
    if trend is not None:
        scorer = TrendScorer(scorer, trend.added(DatedEvents.of(histories, len(candidates))))
    batches = list(touched_items(scorer, neighbours, histories, targets, candidates))
    blend, best = _best_blend(_Quality(batches, targets.row), neighbours.tables)
    helping = {source: term for source, term in blend.terms.items() if term.weight}
    blend = replace(blend, terms=helping, trend=trend)
    return blend, {"alone": alone, "with_neighbours": best}


def _best_blend(quality: _Quality, sources: Iterable[str]) -> tuple[Blend, float]:
    """The best blend of these tables, and its quality; never worse than without them."""
    starts = [
        replace(start, terms={source: start.terms[source] for source in sources})
        for start in STARTS
    ]
    found = [_search(quality, start) for start in starts]
    return max(found, key=lambda blend_and_quality: blend_and_quality[1])


def _search(quality: _Quality, blend: Blend) -> tuple[Blend, float]:
    """The best blend that is reached from this one by changes of one setting, and its quality."""
    best, searching = quality(blend), True
    while searching:
        searching = False
        for setting in _settings(blend.terms):
            for variant in setting(blend):
                if (found := quality(variant)) > best:
                    blend, best, searching = variant, found, True
    return blend, best


class _Quality:
    """NDCG@10 of blends; of blends of one decay the sums are made once."""

    def __init__(self, batches: list[TouchedItems], users: np.ndarray) -> None:
        self.batches = batches
        self.users = users
        self.decay = -1.0
        self.sums: list[dict[str, Tensor]] = []

    def __call__(self, blend: Blend) -> float:
        if blend.decay != self.decay:
            self.decay = blend.decay
            self.sums = [batch.sums(blend.decay) for batch in self.batches]
        of_batches = zip(self.batches, self.sums, strict=True)
        ranks = [batch.ranks(sums, blend.terms) for batch, sums in of_batches]
        return mean_ndcg10(np.concatenate(ranks), self.users)


Setting = Callable[[Blend], list[Blend]]  # a blend with each value of one setting


def _settings(sources: Iterable[str]) -> list[Setting]:
    """What is searched, in this order."""
    of_tables = [partial(of_source, source) for source in sources for of_source in _OF_TABLE]
    return [_decays, *of_tables]


def _decays(blend: Blend) -> list[Blend]:
    return [replace(blend, decay=decay) for decay in DECAYS]


def _weights(source: str, blend: Blend) -> list[Blend]:
    terms = [replace(blend.terms[source], weight=weight) for weight in WEIGHTS]
    return [_with_term(blend, source, term) for term in terms]


def _epsilons(source: str, blend: Blend) -> list[Blend]:
    terms = [replace(blend.terms[source], epsilon=epsilon) for epsilon in EPSILONS]
    return [_with_term(blend, source, term) for term in terms]


def _with_term(blend: Blend, source: str, term: Term) -> Blend:
    return replace(blend, terms=blend.terms | {source: term})


_OF_TABLE = (_weights, _epsilons)
