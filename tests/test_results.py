"""The result as people read it: rows from metrics/*.json, aligned tables, README between marks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import DataError, UsageError
from slmrec.results import (
    MARKS,
    as_markdown,
    logs_of_results,
    read_differences,
    read_results,
    result_text,
    write_into,
)
from tests.support.project import run

QUALITY = {"ndcg@10": 0.0625, "hr@10": 0.125, "mrr": 0.05, "coverage@10": 0.5}


@pytest.fixture
def metrics_dir(tmp_path: Path) -> Path:
    """Metrics of two models, written as the stages write them."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    teacher = {"full": QUALITY, "ci95": {"ndcg@10": [0.06, 0.065]}, "parameters": 2600000}
    popularity = {
        "full": {**QUALITY, "ndcg@10": 0.03},
        "ci95": {"ndcg@10": [0.02, 0.04]},
        "parameters": 0,
    }
    evaluation = {
        "protocol": {"split": "temporal", "test_targets": 20000, "items": 1682, "seed": 4},
        "models": {"teacher": teacher, "popularity": popularity},
        "paired": {"teacher-popularity": [-0.001, 0.03]},
        "student": {"distilled": 0.06, "without_distillation": 0.05, "falls_back": False},
    }
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    cost = {"parameters": 2600000, "epoch_seconds": 12.34, "users_per_second": 1234.4}
    (folder / "cost.json").write_text(json.dumps({"teacher": cost}))
    return folder


def test_the_table_lists_models_from_worst_to_best_with_what_was_measured(
    metrics_dir: Path,
) -> None:
    rows = read_results(metrics_dir)
    assert [row["model"] for row in rows] == ["popularity", "teacher"]
    assert rows[1]["ndcg@10"] == "0.0625"
    assert rows[1]["ndcg@10 95%"] == "0.0600 to 0.0650"
    assert (rows[1]["epoch seconds"], rows[1]["users per second"]) == ("12.34", "1,234")
    assert rows[0]["users per second"] == ""  # nobody measured it, which is not zero


@pytest.mark.parametrize(("low", "said"), [(-0.001, True), (0.001, False)])
def test_distillation_that_is_not_shown_to_win_is_not_recommended(
    metrics_dir: Path, low: float, said: bool
) -> None:
    evaluation = json.loads((metrics_dir / "evaluation.json").read_text())
    evaluation["paired"]["student-student_without_distillation"] = [low, 0.004]
    (metrics_dir / "evaluation.json").write_text(json.dumps(evaluation))
    text = result_text(metrics_dir.parent)
    assert ("not shown to win anything (-0.0010 to +0.0040)" in text) is said


def test_it_is_said_that_the_student_is_the_one_without_distillation(metrics_dir: Path) -> None:
    evaluation = json.loads((metrics_dir / "evaluation.json").read_text())
    evaluation["student"] = {"distilled": 0.05, "without_distillation": 0.06, "falls_back": True}
    (metrics_dir / "evaluation.json").write_text(json.dumps(evaluation))
    text = result_text(metrics_dir.parent)
    assert "(NDCG@10 0.0500 with it, 0.0600 without), so the student is the one without" in text


def test_a_difference_shows_its_sign(metrics_dir: Path) -> None:
    (row,) = read_differences(metrics_dir)
    assert list(row.values()) == ["teacher-popularity", "-0.0010", "+0.0300"]


def test_the_columns_of_the_table_are_aligned() -> None:
    rows = [{"model": "a", "mrr": "0.1"}, {"model": "longer", "mrr": "0.12345"}]
    lines = as_markdown(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "|:--------|--------:|"


def test_a_table_keeps_figures_as_they_were_written() -> None:
    table = as_markdown([{"model": "a", "mrr": "0.10", "users": "1,200"}])
    assert [cell.strip() for cell in table.splitlines()[2].split("|")] == [
        "", "a", "0.10", "1,200", "",
    ]  # fmt: skip


def test_without_rows_there_is_no_table() -> None:
    assert as_markdown([]) == ""


def test_the_result_names_what_was_measured_and_where_the_bundle_lies(metrics_dir: Path) -> None:
    project = metrics_dir.parent
    text = result_text(project)
    assert text.startswith("20,000 targets, 1,682 items, temporal split; every item ranked;")
    assert text.endswith("No bundle at artifacts/bundle yet: run dvc repro.\n")
    assert "| teacher-popularity " in text
    (project / "artifacts/bundle/part").mkdir(parents=True)
    (project / "artifacts/bundle/part/model.onnx").write_bytes(bytes(2_500_000))
    assert "The bundle: artifacts/bundle (2.5 MB)." in result_text(project)


def test_the_readme_gets_the_table_between_its_marks_and_keeps_the_rest(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    write_into(readme, "new \\1\n")
    assert readme.read_text() == f"before\n{MARKS[0]}\nnew \\1\n{MARKS[1]}\nafter\n"


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("no marks\n")
    with pytest.raises(UsageError, match="has no lines"):
        write_into(readme, "new\n")
    assert readme.read_text() == "no marks\n"


def pinned(project: Path) -> str:
    return str(YAML(typ="safe").load(project / "data.dvc")["outs"][0]["md5"])


def write_lock(project: Path, md5: str) -> None:
    deps = [{"path": "slmrec/core", "md5": "c" * 32}, {"path": "data", "md5": md5}]
    YAML().dump({"stages": {"prepare": {"deps": deps}}}, project / "dvc.lock")


def test_figures_of_the_logs_that_lie_there_are_shown(project: Path) -> None:
    write_lock(project, pinned(project))
    assert pinned(project) in logs_of_results(project)


def test_figures_of_other_logs_are_refused_even_where_nobody_pinned_the_new_ones(
    project: Path,
) -> None:
    write_lock(project, pinned(project))
    (project / "data" / "more.inter").write_text("user_id:token\n")
    with pytest.raises(DataError, match=r"of the logs \w+.dir, but data/ holds \w+.dir"):
        logs_of_results(project)
    shown = run(project, "slmrec.cli", "show", check=False)
    assert shown.returncode == DataError.exit_code
    assert "run make repro" in shown.stderr
    assert "ndcg" not in shown.stdout


def test_a_bundle_without_its_logs_says_what_it_was_measured_on(project: Path) -> None:
    write_lock(project, "a" * 32)
    (project / "data").rename(project / "elsewhere")
    assert "a" * 32 in logs_of_results(project)


def test_without_a_run_there_is_nothing_to_show(project: Path) -> None:
    (project / "dvc.lock").unlink(missing_ok=True)
    with pytest.raises(UsageError, match="nothing was measured"):
        logs_of_results(project)
    YAML().dump({"stages": {}}, project / "dvc.lock")
    with pytest.raises(UsageError, match="names no logs"):
        logs_of_results(project)
