"""The preflight: faults are named before DVC deletes anything, each with its exit code."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slmrec.core.errors import BusyError, SlmrecError
from slmrec.core.locks import lock
from slmrec.doctor import PYTHONS, run_preflight
from tests.support.project import change, run


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Locks lie in the cache of the current folder, and this repository may be at work itself.
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)


def doctor(project: Path) -> tuple[int, str]:
    """Exit code of the first failure, 0 without any, and a line for each check."""
    results = list(run_preflight(project))
    errors = [result for _name, result in results if isinstance(result, SlmrecError)]
    lines = [
        f"{'FAIL' if isinstance(result, SlmrecError) else 'ok'} {name} {result}"
        for name, result in results
    ]
    return (errors[0].exit_code if errors else 0), "\n".join(lines)


def test_the_command_prints_a_line_for_each_check_and_ends_with_0_where_all_is_well(
    project: Path,
) -> None:
    process = run(project, "slmrec.cli", "doctor")
    lines = process.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 9, process.stdout
    assert process.stderr == ""


def test_the_command_ends_with_the_code_of_the_fault_and_says_it_on_stderr(project: Path) -> None:
    (project / "data/small.item").write_text("item_id:token\n")
    process = run(project, "slmrec.cli", "doctor", check=False)
    assert process.returncode == 3
    assert "data.dvc pins" in process.stderr
    assert "Traceback" not in process.stderr


def damage_logs(project: Path) -> None:
    with (project / "data/small.inter").open("a") as stream:
        stream.write("u0\ti1\t5\t881000000\n")


def remove_data(project: Path) -> None:
    shutil.rmtree(project / "data")


def empty_data(project: Path) -> None:
    for file in (project / "data").iterdir():
        file.unlink()


def empty_file(project: Path) -> None:
    (project / "data/small.inter").write_bytes(b"")
    run(project, "dvc", "add", "--quiet", "data")


def rename_column(project: Path) -> None:
    file = project / "data/small.inter"
    file.write_text(file.read_text().replace("timestamp:float", "when", 1))
    run(project, "dvc", "add", "--quiet", "data")


def misspell_key(project: Path) -> None:
    file = project / "params.yaml"
    file.write_text(file.read_text().replace("  min_user_events:", "  min_users_events:"))


def break_yaml(project: Path) -> None:
    (project / "params.yaml").write_text("prepare: {seed: 1\n")


def break_pin(project: Path) -> None:
    (project / "data.dvc").write_text("outs:\n- md5: [\n")


def truncate_dvc_lock(project: Path) -> None:
    (project / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  prepare:\n    cmd: python -m sl\n    deps: [\n"
    )


def empty_dvc_lock(project: Path) -> None:
    (project / "dvc.lock").write_text("")


def link_data(project: Path) -> None:
    (project / "data").rename(project.parent / "big disk")
    (project / "data").symlink_to(project.parent / "big disk")


def mistake_the_unit(project: Path) -> None:
    change(project / "params.yaml", "prepare.events.time_format", "epoch_ms")


def unpin(project: Path) -> None:
    (project / "data.dvc").unlink()


FAULTS = [
    (damage_logs, 3, ["data.dvc pins", "dvc add data", "dvc checkout"]),
    (remove_data, 2, ["missing or empty", "slmrec fetch-demo", "dvc pull"]),
    (empty_data, 2, ["missing or empty"]),
    (empty_file, 3, ["small.inter", "empty"]),
    (rename_column, 3, ["timestamp:float", "when"]),
    (misspell_key, 2, ["params.yaml", "min_users_events"]),
    (break_yaml, 2, ["params.yaml", "not YAML"]),
    (truncate_dvc_lock, 3, ["dvc.lock is damaged", "git checkout dvc.lock"]),
    (empty_dvc_lock, 3, ["dvc.lock is damaged"]),
    (break_pin, 3, ["data.dvc cannot be read", "git checkout data.dvc"]),
    (link_data, 2, ["data/ is a symbolic link to", "rm data && mv", "dvc cache dir", "--out data"]),
    (mistake_the_unit, 3, ["time before earliest", "set prepare.events.time_format: epoch_s"]),
    (unpin, 2, ["data.dvc is missing", "dvc add data"]),
]


@pytest.mark.parametrize(
    ("fault", "expected", "words"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS]
)
def test_a_fault_is_named_with_what_to_do_and_its_exit_code(
    project: Path, fault: Callable[[Path], None], expected: int, words: list[str]
) -> None:
    fault(project)
    code, report = doctor(project)
    assert code == expected, report
    failures = [line for line in report.splitlines() if line.startswith("FAIL")]
    for word in words:
        assert any(word in line for line in failures), f"no failed check says {word!r}:\n{report}"


OUT_OF_RANGE = [
    ("prepare.max_quarantine_share", 1.5),
    ("embed_items.dropout", 1.0),
    ("train_teacher.training.learning_rate", -0.001),
    ("distill_student.training.epochs", 0),
    ("split.method", "random"),
    ("record_states.blocks", [8, 99]),
    ("export_onnx.opset", 9),
    ("compute.device", "tpu"),
    ("evaluate.negatives", "many"),
]


@pytest.mark.parametrize(("key", "value"), OUT_OF_RANGE, ids=[key for key, _ in OUT_OF_RANGE])
def test_a_parameter_out_of_range_is_named(project: Path, key: str, value: Any) -> None:
    change(project / "params.yaml", key, value)
    code, report = doctor(project)
    assert code == 2
    # Blocks are held against the section of the teacher, so the message names the layer.
    named = "layer 99" if key == "record_states.blocks" else key
    assert any(named in line for line in report.splitlines() if line.startswith("FAIL")), report


def test_a_truncated_rwlock_of_dvc_is_removed_and_dvc_runs_again(project: Path) -> None:
    rwlock = project / ".dvc/tmp/rwlock"
    rwlock.parent.mkdir(exist_ok=True)
    rwlock.write_text('{"write": {"/somewhere": {"pid": 1, "cm')
    blocked = run(project, "dvc", "repro", "--single-item", "prepare", check=False)
    assert blocked.returncode != 0  # or there is nothing to mend
    code, report = doctor(project)
    assert code == 0, report
    assert "rwlock was damaged and has been removed" in report
    assert not rwlock.exists()


def test_a_running_stage_is_named_with_its_process(project: Path) -> None:
    with lock("train_teacher"):
        code, report = doctor(project)
    assert code == BusyError.exit_code
    assert "train_teacher is already running (process " in report


def test_a_retrain_elsewhere_is_named(project: Path) -> None:
    with lock("pipeline"):
        code, report = doctor(project)  # within the holder: its parent is somebody else
    assert code == BusyError.exit_code
    assert "pipeline is already running" in report


def test_the_lock_of_a_retrain_does_not_stop_its_own_preflight(project: Path) -> None:
    with lock("pipeline"):  # this process is the doctor's parent, as a flow is
        process = run(project, "slmrec.cli", "doctor")
    assert "nothing else is running" in process.stdout


def test_cuda_that_is_not_there_is_refused(project: Path) -> None:
    if "CUDAExecutionProvider" in doctor(project)[1]:
        pytest.skip("this machine has CUDA")
    change(project / "params.yaml", "compute.device", "cuda")
    code, report = doctor(project)
    assert code == 8, report
    assert "compute.device is cuda" in report


def test_two_builds_of_onnxruntime_are_found(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "slmrec.runtime.onnx_runtime.installed_builds", lambda: ["onnxruntime", "onnxruntime-gpu"]
    )
    code, report = doctor(project)
    assert code == 8
    assert "onnxruntime and onnxruntime-gpu are installed and overwrite each other" in report


def test_a_python_that_the_pipeline_was_not_made_for_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.python_version", lambda: "3.14.0")
    code, report = doctor(project)
    assert code == 8
    assert f"FAIL packages Python is 3.14.0, wanted {PYTHONS}; run make repro" in report


def test_a_package_outside_its_range_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slmrec import doctor as module

    installed = module.version
    monkeypatch.setattr(module, "version", lambda name: "0.1" if name == "dvc" else installed(name))
    code, report = doctor(project)
    assert code == 8
    assert "FAIL packages dvc is 0.1, wanted <4,>=3.67; run make repro" in report


def test_the_advice_for_a_linked_data_folder_works(project: Path) -> None:
    link_data(project)
    (project / "data.dvc").unlink()
    refused = run(project, "dvc", "add", "data", check=False)
    assert refused.returncode != 0, "or the advice is not needed"
    other_disk = project.parent / "big disk"
    run(project, "dvc", "cache", "dir", "--local", str(project.parent / "dvc-cache"))
    run(project, "dvc", "config", "--local", "cache.type", "symlink")
    (project / "data").unlink()
    run(project, "dvc", "add", "--quiet", str(other_disk), "--out", "data")
    assert all(path.is_symlink() for path in (project / "data").iterdir())
    code, report = doctor(project)
    assert code == 0, report
