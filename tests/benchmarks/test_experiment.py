"""An experiment's settings make valid params, and its stages read the right artifacts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.experiment import DATASETS, Experiment, logs_of, read_quality_settings
from benchmarks.workspace import Workspace, changed_params
from slmrec.core.errors import UsageError
from slmrec.core.files import write_json
from slmrec.params.params_file import Params

SEQUENCES = "7 30 20\n8 20\n"


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_settings_of_every_set_make_valid_params_for_every_student(dataset: str) -> None:
    settings = read_quality_settings(dataset)
    ensemble = {"embed_items.ensemble_seeds": settings["teacher"]["ensemble_seeds"]}
    for student in settings["students"].values():
        for extra in (ensemble, settings["small"]):
            changes = settings["shared"] | extra | student["changes"]
            Params.model_validate(changed_params(changes))


def write_sequences(data_dir: Path, dataset: str) -> None:
    (data_dir / dataset).mkdir(parents=True)
    (data_dir / dataset / "sequences.txt").write_text(SEQUENCES)


def test_ordered_sequences_become_logs_with_a_clock(tmp_path: Path) -> None:
    write_sequences(tmp_path, "set")
    logs_dir = logs_of("set", tmp_path, tmp_path / "work", earlier=False)
    lines = (logs_dir / "events.csv").read_text().splitlines()
    assert lines == ["user,item,timestamp", "7,30,1000000000", "7,20,1000000001", "8,20,1000000000"]
    logs_dir = logs_of("set", tmp_path, tmp_path / "work", earlier=True)
    # Each user's last event is gone: user 7 keeps item 30, user 8 nothing.
    assert (logs_dir / "events.csv").read_text().splitlines() == lines[:2]


def test_logs_with_a_clock_are_not_cut(tmp_path: Path) -> None:
    assert logs_of("set", tmp_path, tmp_path / "work", earlier=False) == tmp_path / "set"
    with pytest.raises(UsageError, match="sets of ordered sequences"):
        logs_of("set", tmp_path, tmp_path / "work", earlier=True)


def test_every_stage_runs_where_its_inputs_are_linked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def stand_in(self: Workspace, name: str) -> None:
        ran.append(f"{self.root.name} {name}")
        if name == "evaluate":
            write_json(self.root / "metrics" / "evaluation.json", {"models": self.root.name})

    monkeypatch.setattr(Workspace, "run_stage", stand_in)
    write_sequences(tmp_path, "amazon-beauty-classic")
    experiment = Experiment("amazon-beauty-classic", tmp_path, tmp_path / "work", 1, part="small")
    experiment.prepare()
    sasrec = experiment.sasrec(experiment.teacher_seed)
    teacher = experiment.teacher(sasrec)
    evaluation = experiment.student("student_narrow", 3, sasrec, teacher)
    assert evaluation == {"models": "student_narrow-3"}
    assert ran == [
        "tables prepare",
        "tables validate",
        "tables split",
        "tables neighbours",
        "sasrec-1 embed_items",
        "teacher train_teacher",
        "teacher record_states",
        "student_narrow-3 distill_student",
        "student_narrow-3 evaluate",
    ]
    student = tmp_path / "work" / "amazon-beauty-classic-small" / "student_narrow-3"
    links = {path.name for path in (student / "artifacts").iterdir() if path.is_symlink()}
    assert links == {
        "events",
        "histories",
        "champion",
        "neighbours",
        "item_vectors",
        "ensemble",
        "teacher",
        "teacher_states",
    }


def test_only_the_teachers_sasrec_trains_the_ensemble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workspace, "run_stage", lambda self, name: None)
    write_sequences(tmp_path, "amazon-beauty-classic")
    experiment = Experiment("amazon-beauty-classic", tmp_path, tmp_path / "work", 1, part=None)
    seeds = experiment.settings["teacher"]["ensemble_seeds"]
    assert seeds
    assert experiment.sasrec(1).params["embed_items"]["ensemble_seeds"] == seeds
    assert experiment.sasrec(2).params["embed_items"]["ensemble_seeds"] == []
    assert experiment.sasrec(2).params["embed_items"]["seed"] == 2
