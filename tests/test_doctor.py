"""The preflight: what is wrong is said before DVC deletes anything, in one line, with the exit code of its kind."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

from slmrec.core.errors import BusyError, SlmrecError
from slmrec.core.locks import lock
from slmrec.doctor import examine
from tests.support.project import change, run


@pytest.fixture(autouse=True)
def _inside(project, monkeypatch):
    # Locks lie in the cache of the folder one is in, and this repository may be at work itself.
    monkeypatch.chdir(project)
    monkeypatch.delenv("SLMREC_CACHE", raising=False)


def doctor(project):
    """Exit code of the first failure, 0 without any, and what each check said."""
    found = list(examine(project))
    failed = [error for _name, error in found if isinstance(error, SlmrecError)]
    lines = [
        f"{'FAIL' if isinstance(said, SlmrecError) else 'ok'} {name} {said}" for name, said in found
    ]
    return (failed[0].exit_code if failed else 0), "\n".join(lines)


def test_the_command_prints_a_line_for_each_check_and_ends_with_0_where_all_is_well(project):
    done = run(project, "slmrec.cli", "doctor")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 7, done.stdout
    assert done.stderr == ""


def test_the_command_ends_with_the_code_of_the_fault_and_says_it_on_stderr(project):
    (project / "data/small.item").write_text("item_id:token\n")
    done = run(project, "slmrec.cli", "doctor", check=False)
    assert done.returncode == 3
    assert "data.dvc pins" in done.stderr
    assert "Traceback" not in done.stderr


def damage_logs(project):
    with (project / "data/small.inter").open("a") as stream:
        stream.write("u0\ti1\t5\t881000000\n")


def remove_data(project):
    shutil.rmtree(project / "data")


def empty_data(project):
    for file in (project / "data").iterdir():
        file.unlink()


def empty_file(project):
    (project / "data/small.inter").write_bytes(b"")
    run(project, "dvc", "add", "--quiet", "data")


def rename_column(project):
    file = project / "data/small.inter"
    file.write_text(file.read_text().replace("timestamp:float", "when", 1))
    run(project, "dvc", "add", "--quiet", "data")


def misspell_key(project):
    file = project / "params.yaml"
    file.write_text(file.read_text().replace("  min_user_events:", "  min_users_events:"))


def break_yaml(project):
    (project / "params.yaml").write_text("prepare: {seed: 1\n")


def break_pin(project):
    (project / "data.dvc").write_text("outs:\n- md5: [\n")


def truncate_dvc_lock(project):
    (project / "dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  prepare:\n    cmd: python -m sl\n    deps: [\n"
    )


def empty_dvc_lock(project):
    (project / "dvc.lock").write_text("")


def unpin(project):
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
    (unpin, 2, ["data.dvc is missing", "dvc add data"]),
]


@pytest.mark.parametrize(
    ("fault", "expected", "words"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS]
)
def test_a_fault_is_named_with_what_to_do_and_its_exit_code(project, fault, expected, words):
    fault(project)
    code, said = doctor(project)
    assert code == expected, said
    failed = [line for line in said.splitlines() if line.startswith("FAIL")]
    for word in words:
        assert any(word in line for line in failed), f"no failed check says {word!r}:\n{said}"


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
def test_a_parameter_out_of_range_is_named(project, key, value):
    change(project / "params.yaml", key, value)
    code, said = doctor(project)
    assert code == 2
    named = (
        key if key != "record_states.blocks" else "layer 99"
    )  # that one is a matter between two sections
    assert any(named in line for line in said.splitlines() if line.startswith("FAIL")), said


def test_a_truncated_rwlock_of_dvc_is_removed_and_dvc_runs_again(project):
    rwlock = project / ".dvc/tmp/rwlock"
    rwlock.parent.mkdir(exist_ok=True)
    rwlock.write_text('{"write": {"/somewhere": {"pid": 1, "cm')
    assert (
        run(project, "dvc", "repro", "--single-item", "prepare", check=False).returncode != 0
    )  # or there is nothing to mend
    code, said = doctor(project)
    assert code == 0, said
    assert "rwlock was damaged and has been removed" in said
    assert not rwlock.exists()


def test_a_running_stage_is_named_with_its_process(project):
    with lock("train_teacher"):
        code, said = doctor(project)
    assert code == BusyError.exit_code
    assert "train_teacher is already running (process " in said


def test_a_lock_can_be_waited_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    got = []

    def wait():
        with lock("smollm2-135m", wait=True):
            got.append(time.monotonic())

    waiting = threading.Thread(target=wait)
    with lock("smollm2-135m"):
        waiting.start()
        while "waiting for smollm2-135m" not in capsys.readouterr().out:
            assert not got, "it did not wait"
            time.sleep(0.01)
        released = time.monotonic()
    waiting.join()
    assert got[0] >= released


def test_a_retrain_elsewhere_is_named(project):
    with lock("pipeline"):
        code, said = doctor(project)  # within the holder: its parent is somebody else
    assert code == BusyError.exit_code
    assert "pipeline is already running" in said


def test_the_lock_of_a_retrain_does_not_stop_its_own_preflight(project):
    with lock("pipeline"):  # this process is the doctor's parent, as a flow is
        done = run(project, "slmrec.cli", "doctor")
    assert "nothing else is running" in done.stdout


def test_cuda_that_is_not_there_is_refused(project):
    if "CUDAExecutionProvider" in doctor(project)[1]:
        pytest.skip("this machine has CUDA")
    change(project / "params.yaml", "compute.device", "cuda")
    code, said = doctor(project)
    assert code == 8, said
    assert "compute.device is cuda" in said
