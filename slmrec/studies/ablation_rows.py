"""The measurements of the ablation: a row is a kind of student, trained with several seeds."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from functools import partial
from statistics import fmean
from typing import Any

import torch

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.fingerprint import key_of
from slmrec.dataset.histories import Histories
from slmrec.distillation.live_teacher import OfflineTeacher
from slmrec.distillation.students import DistillationSetup
from slmrec.evaluation.evaluator import Evaluator, ParameterCounts
from slmrec.models.llama import LlamaRecommender
from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import DistillStudentParams, OnlineTeaching, StudentParams
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.distill_student import distill_student
from slmrec.studies.params import AblationParams, AblationRow
from slmrec.studies.result_cache import ResultCache

TEST_METRICS = ("ndcg@10", "hr@10", "hr@1", "mrr")


@dataclass(frozen=True)
class Ablation:
    """What all rows share: data, teacher, the settings they vary, and how they are measured."""

    histories: Histories
    teacher: LlamaRecommender
    states: OfflineTeacher
    evaluator: Evaluator
    p: DistillStudentParams
    device: torch.device
    key: str  # of inputs and settings

    def setup(self, row: AblationRow, seed: int) -> DistillationSetup:
        """What the student of a row learns from."""
        online = row.teaching if isinstance(row.teaching, OnlineTeaching) else None
        setup = DistillationSetup(
            self.histories, self.teacher, self.states, online, seed, self.device
        )
        return without_text(setup) if row.text == "none" else setup

    def run_row(self, row: AblationRow, seeds: list[int]) -> dict[str, Any]:
        """Train and measure a row's student with each seed; each result is stored at once."""
        cache = ResultCache("ablation", key_of([], self.key, row))
        results = [
            cache.get_or_compute(str(seed), partial(self.measure_student, row, seed))
            for seed in seeds
        ]
        return summarize(row, results)

    def measure_student(self, row: AblationRow, seed: int) -> dict[str, Any]:
        """Train one student; its test quality, best validation quality and parameters."""
        setup, p = self.setup(row, seed), student_params(row, self.p)
        checkpoint = Checkpoint.of("ablation", f"{row.name}-{seed}-{self.key}")
        student, curve = distill_student(setup, p, checkpoint, f"{row.name}, seed {seed}")
        ranks = self.evaluator.rank(ModelScorer(student, self.histories))
        report = self.evaluator.report(ranks, ParameterCounts.of(student))
        return {
            "test": report["full"],
            "valid_ndcg@10": max(epoch["valid_ndcg@10"] for epoch in curve),
            "parameters": report["parameters"],
        }


def applicable_rows(p: AblationParams, teacher: LlamaRecommender) -> list[AblationRow]:
    """The rows that vary anything with this teacher; the others are named in a printed line."""
    rows = []
    for row in p.rows:
        if row.text == "as the teacher" or teacher.item_embedding.text is not None:
            rows.append(row)
        else:
            print(f"{row.name}: left out, the teacher knows no text (embed_items.text)", flush=True)
    return rows


def student_params(row: AblationRow, p: DistillStudentParams) -> StudentParams:
    """The settings of a row's student: those of `p`, but for what the row changes."""
    changes: dict[str, Any] = {"weights": row.weights}
    if isinstance(row.decoder, DecoderParams):
        changes["decoder"] = row.decoder
    return p.model_copy(update=changes)


def without_text(setup: DistillationSetup) -> DistillationSetup:
    """The setup with the teacher's item vectors as they are, but without their titles.

    The student starts from the same vectors and imitates the same states.
    """
    teacher = copy.deepcopy(setup.teacher)
    teacher.item_embedding = setup.teacher.item_embedding.without_text()
    return replace(setup, teacher=teacher)


def summarize(row: AblationRow, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean, least and greatest of each figure over seeds."""
    figures = {metric: [result["test"][metric] for result in results] for metric in TEST_METRICS}
    figures["valid_ndcg@10"] = [result["valid_ndcg@10"] for result in results]
    ranges = {
        name: {"mean": fmean(values), "least": min(values), "greatest": max(values)}
        for name, values in figures.items()
    }
    parameters = results[0]["parameters"]
    return {"name": row.name, "parameters": parameters, "seeds": len(results), **ranges}
