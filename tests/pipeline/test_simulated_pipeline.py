"""Models that the real stages train on simulated logs come near the best that can be reached."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from benchmarks.simulated_shop import EVENT_FILES
from slmrec.demo.simulated_world import TRUTH_DAYS
from slmrec.demo.simulation import simulate
from tests.support.project import ROOT, change, make_project, run

pytestmark = pytest.mark.acceptance

USERS, EVENTS, SEED = 600, 60_000, 5
STAGES = (
    "prepare",
    "validate",
    "split",
    "neighbours",
    "embed_items",
    "train_teacher",
    "record_states",
    "distill_student",
    "evaluate",
)
SETTINGS: dict[str, Any] = {
    "prepare.events": EVENT_FILES,
    "prepare.items": {
        "files": ["items/*.parquet"],
        "format": "parquet",
        "delimiter": None,
        "header": "first_line",
        "names": None,
        "encoding": "utf-8",
        "columns": {"item": "item_id", "title": "title", "others": []},
    },
    "split.valid_from": f"{TRUTH_DAYS + 20}d",
    "split.test_from": f"{TRUTH_DAYS}d",  # the days on which the truth was measured
    "split.exclude_seen": False,  # the simulated users come back to what they know
    "embed_items.dropout": 0.1,
    "embed_items.training.epochs": 12,
    "embed_items.training.positions_per_batch": 512,
    "embed_items.training.learning_rate": 0.002,
    "embed_items.training.weight_decay": 0.0,
    "train_teacher.backbone.layers": 4,
    "train_teacher.backbone.width": 64,
    "train_teacher.backbone.feed_forward": 128,
    "train_teacher.dropout": 0.1,
    "train_teacher.layer_drop": 0.0,
    "train_teacher.training.epochs": 8,
    "train_teacher.training.positions_per_batch": 512,
    "train_teacher.training.learning_rate": 0.002,
    "record_states.blocks": [2, 4],
    "distill_student.decoder.teacher_layers": [1, 3],
    "distill_student.dropout": 0.1,
    "distill_student.training.epochs": 6,
    "distill_student.training.positions_per_batch": 512,
    "distill_student.training.learning_rate": 0.002,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_project(tmp_path_factory.mktemp("simulated") / "project")
    shutil.rmtree(folder / "data")
    simulate(USERS, EVENTS, SEED, folder / "data")
    run(folder, "dvc", "add", "--quiet", "data")
    for key, value in SETTINGS.items():
        change(folder / "params.yaml", key, value)
    run(folder, "dvc", "repro", STAGES[-1])
    return folder


def test_every_model_comes_near_the_truth_and_none_beyond(project: Path) -> None:
    truth = json.loads((project / "data" / "truth.json").read_text())
    models = json.loads((project / "metrics" / "evaluation.json").read_text())["models"]
    share_of_best = {
        name: model["full"]["ndcg@10"] / truth["best_ndcg@10"] for name, model in models.items()
    }
    for name in ("sasrec", "teacher", "student"):
        reached = share_of_best[name]
        assert 0.7 < reached < 1.05, f"{name} reaches {reached:.2f} of the best"
    assert share_of_best["popularity"] < 0.5


def test_the_studies_run_as_commands_and_say_what_they_were_made_with(project: Path) -> None:
    change(project / "studies.yaml", "depth_study.depths", [1])
    change(project / "studies.yaml", "depth_study.windows", 32)
    change(project / "studies.yaml", "ablation.seeds", [1])
    for key in ("train_teacher.training.epochs", "distill_student.training.epochs"):
        change(project / "params.yaml", key, 1)
    rows = [row for row in rows_of_the_project() if row["name"] in ROWS]
    change(project / "studies.yaml", "ablation.rows", rows)
    histories, vectors, teacher, states = ARTIFACTS
    run(project, "slmrec.studies.depth", histories, vectors, teacher, "reports/depth-study")
    run(project, "slmrec.studies.ablation", histories, teacher, states, "reports/ablation")
    depth = json.loads((project / "reports" / "depth-study" / "depth.json").read_text())
    ablation = json.loads((project / "reports" / "ablation" / "ablation.json").read_text())
    assert [retrained["depth"] for retrained in depth["retrained"]] == [1, 4]
    assert len(depth["read_out"]) == len(depth["layers"]["change"]) == 4
    assert [row["name"] for row in ablation["rows"]] == ROWS
    assert all(row["ndcg@10"]["mean"] > 0 for row in ablation["rows"])
    for result, section in ((depth, "train_teacher"), (ablation, "distill_student")):
        assert result["settings"][section]["training"]["epochs"] == 1
        assert result["made_with"]["versions"]["torch"]
    assert (project / "reports" / "depth-study" / "depth.svg").is_file()
    assert (project / "reports" / "ablation" / "ablation.svg").is_file()


ARTIFACTS = [
    "artifacts/histories",
    "artifacts/item_vectors",
    "artifacts/teacher",
    "artifacts/teacher_states",
]
ROWS = ["ranking only", "all and logits"]


def rows_of_the_project() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / "studies.yaml")["ablation"]["rows"]
    return rows
