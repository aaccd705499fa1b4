"""A workspace changes params.yaml, links artifacts, and runs a stage only when it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.workspace import Workspace, changed_params, outputs, outs, replace_link


def test_a_change_reaches_params_yaml_and_a_key_that_it_lacks_is_refused() -> None:
    assert changed_params({"embed_items.width": 3})["embed_items"]["width"] == 3
    with pytest.raises(KeyError, match=r"no embed_items\.widht"):
        changed_params({"embed_items.widht": 3})


def test_a_stage_runs_again_only_when_its_settings_or_inputs_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def stand_in(command: list[str], cwd: Path, **_: object) -> None:
        ran.append(command[2])
        for out in command[3:]:
            (cwd / out).parent.mkdir(parents=True, exist_ok=True)
            (cwd / out).touch()

    monkeypatch.setattr("benchmarks.workspace.subprocess.run", stand_in)
    first = Workspace(tmp_path / "a", tmp_path, {}, [], tmp_path)
    for _ in range(2):
        first.run_stage("split")
    assert ran == ["slmrec.stages.split"]
    second = Workspace(tmp_path / "b", tmp_path, {}, [first.artifact("histories")], tmp_path)
    second.run_stage("embed_items")
    Workspace(tmp_path / "a", tmp_path, {"split.max_length": 7}, [], tmp_path).run_stage("split")
    second.run_stage("embed_items")
    assert ran[1:] == [
        "slmrec.stages.embed_items",
        "slmrec.stages.split",
        "slmrec.stages.embed_items",
    ]


def test_a_stage_whose_output_is_gone_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(Workspace, "run_python", lambda self, *arguments: ran.append(arguments[1]))
    workspace = Workspace(tmp_path / "a", tmp_path, {}, [], tmp_path)
    for _ in range(2):
        workspace.run_stage("split")  # the stand-in leaves no histories
    assert ran == ["slmrec.stages.split"] * 2


def test_a_link_follows_its_newest_target(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        replace_link(tmp_path / "link", tmp_path / name)
    assert (tmp_path / "link").resolve() == tmp_path / "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "new", "old"]


def test_outputs_of_a_stage_are_those_of_dvc_yaml_with_metrics_apart() -> None:
    assert outs("prepare") == ["artifacts/events", "artifacts/champion"]
    assert outputs("prepare") == [
        "artifacts/events",
        "artifacts/champion",
        "metrics/data.json",
    ]
