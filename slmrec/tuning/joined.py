"""A trial of the neighbours: found with its settings and joined to the best student."""

from __future__ import annotations

from functools import cached_property

from slmrec.core import tables
from slmrec.core.checkpoint import Checkpoint
from slmrec.dataset.histories import read_histories
from slmrec.models.serialization import load_model
from slmrec.neighbours.blend_search import choose_blend
from slmrec.params.evaluate import EvaluateParams
from slmrec.params.neighbours import NeighboursParams
from slmrec.ranking.candidates import candidate_items
from slmrec.ranking.inputs import sample_targets
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.neighbours import find_neighbours
from slmrec.training.run import Watch
from slmrec.tuning.settings import Sections
from slmrec.tuning.task import Task
from slmrec.tuning.validation_only import Trained, without_test


class Joined:
    """Finds neighbours as the stage does, and joins them as `evaluate` does. Nothing is trained."""

    def __init__(self, task: Task) -> None:
        self.p = EvaluateParams.model_validate(task.params["evaluate"])
        self.items = tables.read_table(task.logs.items, tables.ITEMS)
        self.histories = without_test(read_histories(task.logs.histories))
        self.student = load_model(task.inputs["student"])

    @cached_property
    def scorer(self) -> ModelScorer:
        """The student that neighbours are joined to."""
        return ModelScorer(self.student, self.histories)

    def train(self, params: Sections, checkpoint: Checkpoint, watch: Watch | None) -> Trained:
        """The student, and one record with what validation says of it with these neighbours."""
        neighbours = find_neighbours(
            self.histories, self.items, NeighboursParams.model_validate(params["neighbours"])
        )
        embedding = self.student.item_embedding
        candidates = candidate_items(self.histories, len(embedding), embedding.described().numpy())
        targets = sample_targets(self.histories.targets["valid"], self.p.blend_targets, self.p.seed)
        _, quality = choose_blend(self.scorer, neighbours, self.histories, targets, candidates)
        curve = [{"epoch": 1, "valid_ndcg@10": quality["with_neighbours"]}]
        if watch is not None:
            watch(curve)
        return self.student, curve
