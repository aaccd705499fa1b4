"""The ablation: what each term of the student's loss is worth.

`make ablation`, or: python -m slmrec.studies.ablation HISTORIES TEACHER TEACHER_STATES REPORT.
Works on the project's own data and teacher: students with some terms, several seeds of each, mean
and range. Rows and seeds are in studies.yaml. Writes ablation.json and ablation.svg into REPORT.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmrec.core.files import write_json
from slmrec.core.fingerprint import key_of
from slmrec.core.stage import run_stage
from slmrec.dataset.histories import read_histories
from slmrec.distillation.live_teacher import open_states
from slmrec.evaluation.evaluator import Evaluator
from slmrec.models.serialization import load_decoder
from slmrec.params.compute import ComputeParams
from slmrec.params.distill_student import DistillStudentParams
from slmrec.params.evaluate import EvaluateParams
from slmrec.studies.ablation_rows import Ablation, applicable_rows
from slmrec.studies.environment import study_context
from slmrec.studies.params import AblationParams
from slmrec.studies.plots import Panel, range_panel, require_matplotlib, write_picture
from slmrec.training.device import start_torch


def main(
    histories_dir: Path, teacher_dir: Path, teacher_states_dir: Path, *, report_dir: Path
) -> None:
    """Train every row with every seed; write ablation.json and ablation.svg to `report_dir`."""
    require_matplotlib()
    compute = ComputeParams.read()
    device = start_torch(compute)
    distill_p, evaluate_p = DistillStudentParams.read(), EvaluateParams.read()
    p = AblationParams.read()
    histories, teacher = read_histories(histories_dir), load_decoder(teacher_dir)
    items = teacher.item_embedding
    ablation = Ablation(
        histories,
        teacher,
        open_states(teacher_states_dir, histories, teacher),
        Evaluator(histories, len(items), items.described().numpy(), evaluate_p),
        distill_p,
        device,
        key_of([histories_dir, teacher_dir, teacher_states_dir], distill_p, evaluate_p),
    )
    rows = run_rows(ablation, p)
    results = {"rows": rows, "seeds": p.seeds}
    write_json(report_dir / "ablation.json", results | study_context(compute, distill_p, p))
    write_picture(report_dir / "ablation.svg", ablation_panels(rows))


def run_rows(ablation: Ablation, p: AblationParams) -> list[dict[str, Any]]:
    """The summary of each row that applies to the teacher, printed as soon as it is there."""
    summaries = []
    for row in applicable_rows(p, ablation.teacher):
        summary = ablation.run_row(row, p.seeds)
        print(f"{row.name}: test ndcg@10 {summary['ndcg@10']['mean']:.4f}", flush=True)
        summaries.append(summary)
    return summaries


def ablation_panels(rows: list[dict[str, Any]]) -> list[Panel]:
    """Test NDCG@10 and HR@10 of every row, mean and range over seeds."""
    seeds = rows[0]["seeds"]
    return [
        range_panel(
            f"Test {metric.upper()}, mean and range over {seeds} seeds",
            {
                row["name"]: (row[metric]["mean"], row[metric]["least"], row[metric]["greatest"])
                for row in rows
            },
        )
        for metric in ("ndcg@10", "hr@10")
    ]


if __name__ == "__main__":
    run_stage(main)
