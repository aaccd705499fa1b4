"""Own logs with the demo's settings are told of init."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import UsageError
from slmrec.demo.movielens import PIN
from slmrec.init.first_run import check_initialised
from slmrec.init.params_writer import render
from tests.init.test_params_writer import git

PARAMS = 'prepare:\n  events: {files: ["*.inter"]}\n'


def clone(tmp_path: Path, log: str) -> Path:
    """A project as a clone has it, with a log of one's own."""
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "data.dvc").write_text(f"outs:\n- md5: {PIN}\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "shipped")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / log).write_text("user,item\n1,2\n")
    return tmp_path


@pytest.mark.parametrize("log", ["clicks.csv", "shop.inter"])
def test_own_logs_with_the_settings_as_shipped_are_sent_to_init(tmp_path: Path, log: str) -> None:
    with pytest.raises(UsageError, match=rf"data/ holds {log}.*run slmrec init first"):
        check_initialised(clone(tmp_path, log))


def test_what_init_wrote_or_a_person_set_up_is_left_alone(tmp_path: Path) -> None:
    project = clone(tmp_path, "clicks.csv")
    (project / "params.yaml").write_text(render(PARAMS, {}, []))
    assert "written by slmrec init" in check_initialised(project)

    (project / "params.yaml").write_text(PARAMS.replace("*.inter", "clicks.csv"))
    assert check_initialised(project) == "params.yaml is set up by hand"


def test_without_logs_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert check_initialised(tmp_path) == "nothing to read yet"
