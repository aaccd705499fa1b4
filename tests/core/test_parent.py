"""A process ends with the one that started it, even one that was gone before it could ask."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from slmrec.core.parent import RWLOCK, was_left_by_dvc
from tests.support.project import ROOT
from tests.support.waiting import has_ended, wait_until

STAGE = {"DVC_STAGE": "prepare"}
# Started as `python -m slmrec.stages.X`, whose package is loaded before the imports of X.
PARENT = """
import subprocess, sys, time
child = "import sys; sys.argv[0] = '-m'; import slmrec.stages, time; print('ready', flush=True)"
child += "; assert not {'torch', 'numpy', 'polars'} & set(sys.modules); time.sleep(600)"
process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE, text=True)
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""


def test_a_stage_that_is_still_importing_is_gone_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
    wait_until(lambda: has_ended(child))


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DVC's file, in which this process says that it runs a stage."""
    monkeypatch.chdir(tmp_path)
    RWLOCK.parent.mkdir(parents=True)
    holder = {"pid": os.getpid(), "cmd": "dvc repro"}
    RWLOCK.write_text(json.dumps({"write": {"artifacts/x": holder}, "read": {"data": [holder]}}))
    return RWLOCK


@pytest.mark.usefixtures("held")
def test_a_stage_whose_dvc_was_killed_before_it_started_is_left() -> None:
    assert was_left_by_dvc(STAGE, 1)
    assert not was_left_by_dvc(STAGE, os.getpid())


@pytest.mark.usefixtures("held")
def test_what_dvc_did_not_start_itself_is_never_left() -> None:
    assert not was_left_by_dvc({}, 1)
    assert not was_left_by_dvc({**STAGE, "RANK": "1"}, 1)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"write": {}, "read": {}}'])
def test_a_file_of_dvc_that_says_nothing_proves_nothing(held: Path, content: str) -> None:
    held.write_text(content)
    assert not was_left_by_dvc(STAGE, 1)


def test_without_a_file_of_dvc_nothing_is_proved(held: Path) -> None:
    held.unlink()
    assert not was_left_by_dvc(STAGE, 1)


@pytest.mark.usefixtures("held")
def test_such_a_stage_ends_before_it_imports_anything() -> None:
    # Its parent is this process, which the file does not name.
    held = json.loads(RWLOCK.read_text().replace(str(os.getpid()), str(1)))
    RWLOCK.write_text(json.dumps(held))
    stage = "import sys; sys.argv[0] = '-m'; import slmrec.stages; print('alive')"
    ended = subprocess.run(
        [sys.executable, "-c", stage],
        env={**os.environ, **STAGE, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (-9, "")
