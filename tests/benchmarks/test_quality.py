"""The quality benchmark: stages run once, settings reach params.yaml, seeds are averaged, names say the shape."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmarks.quality import (
    NAMES,
    PROJECT,
    Place,
    averaged,
    logs_of,
    renamed,
    summary_of,
    tables_of,
)
from slmrec.core.errors import UsageError
from slmrec.params.params_file import Params

MODEL = {
    "full": {"ndcg@10": 0.2, "hr@10": 0.4},
    "sampled": {"hr@1": 0.1, "hr@5": 0.2, "ndcg@5": 0.15, "mrr": 0.12},
    "ci95": {"ndcg@10": [0.1, 0.3]},
    "parameters": 10,
}


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_of_every_set_make_valid_params_for_every_student(name, tmp_path):
    settings = YAML(typ="safe").load(PROJECT / "benchmarks" / "quality_settings" / f"{name}.yaml")
    for student in settings["students"].values():
        extra: dict[str, object]
        ensemble = {"embed_items.ensemble_seeds": settings["teacher"]["ensemble_seeds"]}
        for extra in (ensemble, settings["small"]):
            place = Place(
                tmp_path / "place", tmp_path, settings["shared"] | extra | student["changes"], []
            )
            Params.model_validate(place.params)


def test_a_setting_that_params_does_not_have_is_refused(tmp_path):
    with pytest.raises(KeyError, match=r"no embed_items\.widht"):
        Place(tmp_path / "place", tmp_path, {"embed_items.widht": 3}, [])


def test_a_stage_runs_again_only_when_its_settings_or_inputs_change(tmp_path, monkeypatch):
    ran: list[str] = []

    def stand_in(command: list[str], cwd: Path, **_: object) -> None:
        ran.append(command[2])
        for out in command[3:]:
            (cwd / out).parent.mkdir(parents=True, exist_ok=True)
            (cwd / out).touch()

    monkeypatch.setattr("benchmarks.quality.subprocess.run", stand_in)
    first = Place(tmp_path / "a", tmp_path, {}, [])
    for _ in range(2):
        first.run("split", tmp_path)
    assert ran == ["slmrec.stages.split"]
    second = Place(tmp_path / "b", tmp_path, {}, [first.artifact("histories")])
    second.run("embed_items", tmp_path)
    Place(tmp_path / "a", tmp_path, {"split.max_length": 7}, []).run("split", tmp_path)
    second.run("embed_items", tmp_path)
    assert ran[1:] == [
        "slmrec.stages.embed_items",
        "slmrec.stages.split",
        "slmrec.stages.embed_items",
    ]


def test_ordered_sequences_become_logs_with_a_clock(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "sequences.txt").write_text("7 30 20\n8 20\n")
    lines = (
        (logs_of("set", tmp_path, tmp_path / "work", earlier=False) / "events.csv")
        .read_text()
        .splitlines()
    )
    assert lines == ["user,item,timestamp", "7,30,1000000000", "7,20,1000000001", "8,20,1000000000"]
    assert (
        logs_of("set", tmp_path, tmp_path / "work", earlier=True) / "events.csv"
    ).read_text().splitlines() == lines[:2]


def test_logs_with_a_clock_are_not_cut(tmp_path):
    assert logs_of("set", tmp_path, tmp_path / "work", earlier=False) == tmp_path / "set"
    with pytest.raises(UsageError, match="sets of ordered sequences"):
        logs_of("set", tmp_path, tmp_path / "work", earlier=True)


def test_seeds_are_averaged_figure_by_figure():
    other = {**MODEL, "full": {"ndcg@10": 0.4, "hr@10": 0.5}, "ci95": {"ndcg@10": [0.3, 0.5]}}
    found = averaged([MODEL, other])
    assert found["full"] == {
        "ndcg@10": pytest.approx(0.3),
        "hr@10": pytest.approx(0.45),
    }  # (0.2 + 0.4) / 2, (0.4 + 0.5) / 2
    assert found["ci95"]["ndcg@10"] == [pytest.approx(0.2), pytest.approx(0.4)]
    assert found["parameters"] == 10


def test_the_stages_student_bears_the_name_of_its_shape():
    evaluation = {
        "protocol": {},
        "models": {"sasrec": MODEL, "student": MODEL, "student_without_distillation": MODEL},
        "paired": {
            "student-sasrec": [0, 1],
            "student-student_without_distillation": [0, 1],
            "teacher-sasrec": [0, 1],
        },
    }
    found = renamed(evaluation, "student_narrow")
    assert set(found["models"]) == {
        "sasrec",
        "student_narrow",
        "student_narrow_without_distillation",
    }
    assert set(found["paired"]) == {
        "student_narrow-sasrec",
        "student_narrow-student_narrow_without_distillation",
        "teacher-sasrec",
    }
    assert renamed(evaluation, "student") == evaluation


def test_both_tables_name_every_model():
    evaluation = {
        "protocol": {},
        "models": {"sasrec": MODEL, "student": MODEL},
        "paired": {"student-sasrec": [0.0, 0.1]},
    }
    result = summary_of({1: [evaluation], 2: [evaluation]})
    text = tables_of(result)
    assert text.count("student") == 3 and "20.00" in text  # HR@5 0.2 in percent
