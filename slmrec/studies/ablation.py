"""What each term of the student's loss is worth: students with some terms, several seeds, mean and spread.

`make ablation`, or: python -m slmrec.studies.ablation HISTORIES TEACHER TEACHER_STATES REPORT.
Works on the project's own data and teacher; rows and seeds in studies.yaml. Writes ablation.json
and ablation.svg into REPORT.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from slmrec.core.checkpoint import Checkpoint
from slmrec.core.errors import DataError
from slmrec.core.files import write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import read_histories
from slmrec.distillation.live_teacher import open_states
from slmrec.evaluation.evaluator import Evaluator, Parameters
from slmrec.models.factory import decoder_parameters, table_parameters
from slmrec.models.llama import LlamaRecommender
from slmrec.models.serialization import load_model
from slmrec.params.compute import ComputeParams
from slmrec.params.decoder import DecoderParams
from slmrec.params.distill_student import DistillStudentParams, OnlineTeaching, StudentParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.ranking.scorers import ModelScorer
from slmrec.stages.distill_student import DistillationSetup, distill_student
from slmrec.studies.environment import PACKAGES, machine
from slmrec.studies.params import AblationParams, AblationRow
from slmrec.studies.plots import spread_panel, write_picture
from slmrec.studies.result_cache import ResultCache
from slmrec.training.device import start_torch

Found = dict[str, Any]
SHOWN = ("ndcg@10", "hr@10", "hr@1", "mrr")


def student_of(row: AblationRow, p: DistillStudentParams) -> StudentParams:
    """The settings of a row's student."""
    changes: dict[str, Any] = {"weights": row.weights}
    if isinstance(row.decoder, DecoderParams):
        changes["decoder"] = row.decoder
    return p.model_copy(update=changes)


def without_text(setup: DistillationSetup) -> DistillationSetup:
    """The setup over item vectors that forget where they came from: the same start, the same states, no titles."""
    teacher = copy.deepcopy(setup.teacher)
    teacher.item_embedding = setup.teacher.item_embedding.without_text()
    return replace(setup, teacher=teacher)


def rows_of(asked: AblationParams, teacher: LlamaRecommender) -> list[AblationRow]:
    """The rows that this teacher gives something to measure for."""
    rows = [
        row
        for row in asked.rows
        if row.text == "as the teacher" or teacher.item_embedding.text is not None
    ]
    for row in asked.rows:
        if row not in rows:
            print(f"{row.name}: left out, the teacher knows no text (embed_items.text)", flush=True)
    return rows


def measured(
    row: AblationRow,
    setup: DistillationSetup,
    p: DistillStudentParams,
    evaluator: Evaluator,
    key: str,
) -> Found:
    """Test quality of one student."""
    checkpoint = Checkpoint.of("ablation", f"{row.name}-{setup.seed}-{key}")
    student, curve = distill_student(
        setup, student_of(row, p), row.weights, checkpoint, f"{row.name}, seed {setup.seed}"
    )
    found = evaluator.report(
        evaluator.rank(ModelScorer(student, setup.histories)),
        Parameters(decoder_parameters(student), table_parameters(student)),
    )
    return {
        "test": found["full"],
        "valid_ndcg@10": max(record["valid_ndcg@10"] for record in curve),
        "parameters": found["parameters"],
    }


def summary(row: AblationRow, found: list[Found]) -> Found:
    """Mean, least and greatest of each figure over seeds."""
    figures = {name: [each["test"][name] for each in found] for name in SHOWN} | {
        "valid_ndcg@10": [each["valid_ndcg@10"] for each in found]
    }
    spread = {
        name: {"mean": fmean(values), "least": min(values), "greatest": max(values)}
        for name, values in figures.items()
    }
    return {"name": row.name, "parameters": found[0]["parameters"], "seeds": len(found), **spread}


def picture(rows: list[Found], path: Path) -> None:
    """Test NDCG@10 and HR@10 of every row, mean and range over seeds."""
    panels = []
    for metric in ("ndcg@10", "hr@10"):
        shown = {
            row["name"]: (row[metric]["mean"], row[metric]["least"], row[metric]["greatest"])
            for row in rows
        }
        panels.append(
            spread_panel(
                f"Test {metric.upper()}, mean and range over {rows[0]['seeds']} seeds", shown
            )
        )
    write_picture(path, panels)


def main(histories: Path, teacher: Path, teacher_states: Path, *, report: Path) -> None:
    """Train every row with every seed; write ablation.json and ablation.svg into `report`."""
    compute = ComputeParams.read()
    device = start_torch(compute)
    p = DistillStudentParams.read()
    judged = EvaluateParams.read()
    asked = AblationParams.read()
    read, model = read_histories(histories), load_model(teacher)
    if not isinstance(model, LlamaRecommender):
        raise DataError(f"{teacher} holds no decoder; run dvc repro train_teacher")
    states = open_states(teacher_states, read, model)
    evaluator = Evaluator(
        read, len(model.item_embedding), model.item_embedding.described().numpy(), judged
    )
    key = key_of([histories, teacher, teacher_states], p, judged)
    rows = []
    for row in rows_of(asked, model):
        kept = ResultCache("ablation", key_of([], key, row))
        online = row.teaching if isinstance(row.teaching, OnlineTeaching) else None
        setups = [
            DistillationSetup(read, model, states, online, seed, device) for seed in asked.seeds
        ]
        if row.text == "none":
            setups = [without_text(setup) for setup in setups]
        found = [
            kept.get_or_compute(str(setup.seed), partial(measured, row, setup, p, evaluator, key))
            for setup in setups
        ]
        rows.append(summary(row, found))
        print(f"{row.name}: test ndcg@10 {rows[-1]['ndcg@10']['mean']:.4f}", flush=True)
    report.mkdir(parents=True, exist_ok=True)
    settings = {
        "compute": compute.model_dump(),
        "distill_student": p.model_dump(),
        "ablation": asked.model_dump(),
    }
    made_with = {"settings": settings, "made_with": machine(compute.threads, *PACKAGES)}
    write_json(report / "ablation.json", {"rows": rows, "seeds": asked.seeds} | made_with)
    picture(rows, report / "ablation.svg")


if __name__ == "__main__":
    run_stage(main)
