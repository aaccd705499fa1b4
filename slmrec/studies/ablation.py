"""What each term of the student's loss is worth: students with some terms, several seeds, mean and spread.

`make ablation`, or: python -m slmrec.studies.ablation HISTORIES TEACHER TEACHER_STATES REPORT. Works on the project's own data and
teacher; rows and seeds in studies.yaml. Writes ablation.json and ablation.svg into REPORT.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from slmrec.checkpoints import Checkpoint, key_of
from slmrec.compute import start_torch
from slmrec.door import open_door
from slmrec.errors import DataError
from slmrec.evaluation import Examination, Parameters
from slmrec.files import write_json
from slmrec.histories import read_histories
from slmrec.model_params import ComputeParams, DecoderParams, DistillStudentParams, EvaluateParams, OnlineTeaching, StudentParams
from slmrec.models import decoder_parameters, load_model, table_parameters
from slmrec.recommender import Recommender
from slmrec.scoring import ModelScorer
from slmrec.sections import read_section
from slmrec.stages.distill_student import Lesson, distill_student
from slmrec.studies.kept import Kept
from slmrec.studies.machine import PACKAGES, machine
from slmrec.studies.params import AblationParams, AblationRow
from slmrec.studies.picture import spread_panel, write_picture
from slmrec.teacher_rows import open_states

Found = dict[str, Any]
SHOWN = ("ndcg@10", "hr@10", "hr@1", "mrr")


def student_of(row: AblationRow, p: DistillStudentParams) -> StudentParams:
    """The settings of a row's student."""
    changes: dict[str, Any] = {"weights": row.weights}
    if isinstance(row.decoder, DecoderParams):
        changes["decoder"] = row.decoder
    return p.model_copy(update=changes)


def without_text(lesson: Lesson) -> Lesson:
    """The lesson over item vectors that forget where they came from: the same start, the same states, no titles."""
    teacher = copy.deepcopy(lesson.teacher)
    teacher.table = lesson.teacher.table.without_text()
    return replace(lesson, teacher=teacher)


def rows_of(asked: AblationParams, teacher: Recommender) -> list[AblationRow]:
    """The rows that this teacher gives something to measure for."""
    rows = [row for row in asked.rows if row.text == "as the teacher" or teacher.table.text is not None]
    for row in asked.rows:
        if row not in rows:
            print(f"{row.name}: left out, the teacher knows no text (embed_items.text)", flush=True)
    return rows


def measured(row: AblationRow, lesson: Lesson, p: DistillStudentParams, examination: Examination, key: str) -> Found:
    """Test quality of one student."""
    checkpoint = Checkpoint.of("ablation", f"{row.name}-{lesson.seed}-{key}")
    student, curve = distill_student(lesson, student_of(row, p), row.weights, checkpoint, f"{row.name}, seed {lesson.seed}")
    found = examination.measured(
        examination.take(ModelScorer(student, lesson.histories)), Parameters(decoder_parameters(student), table_parameters(student))
    )
    return {"test": found["full"], "valid_ndcg@10": max(record["valid_ndcg@10"] for record in curve), "parameters": found["parameters"]}


def summary(row: AblationRow, found: list[Found]) -> Found:
    """Mean, least and greatest of each figure over seeds."""
    figures = {name: [each["test"][name] for each in found] for name in SHOWN} | {
        "valid_ndcg@10": [each["valid_ndcg@10"] for each in found]
    }
    spread = {name: {"mean": fmean(values), "least": min(values), "greatest": max(values)} for name, values in figures.items()}
    return {"name": row.name, "parameters": found[0]["parameters"], "seeds": len(found), **spread}


def picture(rows: list[Found], path: Path) -> None:
    """Test NDCG@10 and HR@10 of every row, mean and range over seeds."""
    panels = []
    for metric in ("ndcg@10", "hr@10"):
        shown = {row["name"]: (row[metric]["mean"], row[metric]["least"], row[metric]["greatest"]) for row in rows}
        panels.append(spread_panel(f"Test {metric.upper()}, mean and range over {rows[0]['seeds']} seeds", shown))
    write_picture(path, panels)


def main(histories: Path, teacher: Path, teacher_states: Path, *, report: Path) -> None:
    """Train every row with every seed; write ablation.json and ablation.svg into `report`."""
    compute = read_section("compute", ComputeParams, Path("params.yaml"))
    device = start_torch(compute)
    p = read_section("distill_student", DistillStudentParams, Path("params.yaml"))
    judged = read_section("evaluate", EvaluateParams, Path("params.yaml"))
    asked = read_section("ablation", AblationParams, Path("studies.yaml"))
    read, model = read_histories(histories), load_model(teacher)
    if not isinstance(model, Recommender):
        raise DataError(f"{teacher} holds no decoder; run dvc repro train_teacher")
    states = open_states(teacher_states, read, model)
    examination = Examination(read, len(model.table), model.table.described().numpy(), judged)
    key = key_of([histories, teacher, teacher_states], p, judged)
    rows = []
    for row in rows_of(asked, model):
        kept = Kept("ablation", key_of([], key, row))
        online = row.teaching if isinstance(row.teaching, OnlineTeaching) else None
        lessons = [Lesson(read, model, states, online, seed, device) for seed in asked.seeds]
        if row.text == "none":
            lessons = [without_text(lesson) for lesson in lessons]
        found = [kept.or_made(str(lesson.seed), partial(measured, row, lesson, p, examination, key)) for lesson in lessons]
        rows.append(summary(row, found))
        print(f"{row.name}: test ndcg@10 {rows[-1]['ndcg@10']['mean']:.4f}", flush=True)
    report.mkdir(parents=True, exist_ok=True)
    settings = {"compute": compute.model_dump(), "distill_student": p.model_dump(), "ablation": asked.model_dump()}
    made_with = {"settings": settings, "made_with": machine(compute.threads, *PACKAGES)}
    write_json(report / "ablation.json", {"rows": rows, "seeds": asked.seeds} | made_with)
    picture(rows, report / "ablation.svg")


if __name__ == "__main__":
    open_door(main)
