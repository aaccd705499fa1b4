"""Item neighbours in the report: each table alone, and joined to the students."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slmrec.dataset.histories import Targets
from slmrec.evaluation.contestants import Contestant
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.neighbours.blend import Blend, NeighbourScores
from slmrec.neighbours.blend_search import DECAYS, choose_blend
from slmrec.neighbours.scorers import BlendScorer, NeighbourScorer
from slmrec.neighbours.table import Neighbours
from slmrec.ranking.inputs import sample_targets
from slmrec.ranking.metrics import mean_ndcg10
from slmrec.ranking.ranks import rank_targets
from slmrec.ranking.scorers import Scorer

STUDENTS = ("student", "student_narrow")  # what is served is one of them
# Names in the report; transitions have `last_item_transition` for a baseline.
BASELINES = {"graph": "item_neighbours", "titles": "title_neighbours"}


@dataclass(frozen=True)
class JoinedStudent:
    """A student with neighbours: the contestant, and how they were joined and chosen."""

    contestant: Contestant
    blend: Blend
    validation: dict[str, float]  # NDCG@10 `alone` and `with_neighbours`

    def as_json(self) -> dict[str, Any]:
        return {**self.blend.as_json(), "validation": self.validation}


class NeighbourContestants:
    """Makes the contestants, with settings chosen on a sample of the validation targets."""

    def __init__(self, neighbours_dir: Path, evaluator: Evaluator) -> None:
        self.neighbours_dir = neighbours_dir
        self.neighbours = Neighbours.load(neighbours_dir)
        self.evaluator = evaluator
        self.histories = evaluator.histories
        p = evaluator.p
        self.targets: Targets = sample_targets(
            self.histories.targets["valid"], p.blend_targets, p.seed
        )

    def baselines(self) -> dict[str, Contestant]:
        """Each table alone, with the decay that is best on validation."""
        tables = self.neighbours.tables
        return {name: self._alone(source) for source, name in BASELINES.items() if source in tables}

    def _alone(self, source: str) -> Contestant:
        scorers = [
            NeighbourScorer(self.neighbours, source, decay, self.histories) for decay in DECAYS
        ]
        best = max(scorers, key=self._quality)
        return Contestant(best, ParameterCounts.of(), [self.neighbours_dir])

    def _quality(self, scorer: Scorer) -> float:
        ranks = rank_targets(scorer, self.histories, self.targets, self.evaluator.candidates, None)
        return mean_ndcg10(ranks.full, self.targets.row)

    def joined(self, contestants: Mapping[str, Contestant]) -> dict[str, JoinedStudent]:
        """Each student among the contestants with neighbours, by the student's name."""
        students = [name for name in contestants if name in STUDENTS]
        return {name: self._joined(contestants[name]) for name in students}

    def _joined(self, student: Contestant) -> JoinedStudent:
        blend, validation = choose_blend(
            student.scorer,
            self.neighbours,
            self.histories,
            self.targets,
            self.evaluator.candidates,
        )
        items = len(self.evaluator.candidates)
        added = NeighbourScores.of(self.neighbours, blend, self.histories, items)
        scorer = BlendScorer(student.scorer, added, self.histories)
        contestant = replace(
            student, scorer=scorer, model_dirs=[*student.model_dirs, self.neighbours_dir]
        )
        return JoinedStudent(contestant, blend, validation)


def joined_name(student: str) -> str:
    """The name in the report of a student with neighbours."""
    return f"{student}_with_neighbours"
