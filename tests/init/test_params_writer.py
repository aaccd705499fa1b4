"""params.yaml written, kept, and compared."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from slmrec.core.errors import UsageError
from slmrec.init.params_writer import MARK, is_unedited, render, revise, write_params

BASE = """\
# What the file is.

split:
  method: temporal    # temporal or leave_one_out
  max_length: 50

embed_items:
  width: 64
  loss: {kind: softmax, scores: 1000} # or another
"""


def git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *name, *words], check=True, capture_output=True)


def params_of(tmp_path: Path, text: str = BASE) -> Path:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return path


def test_settings_are_laid_over_and_comments_stay() -> None:
    settings = {"split.method": "leave_one_out", "embed_items.loss": {"kind": "gbce", "t": 0.5}}

    text = render(BASE, settings, ["split: because"])

    assert re.search(r"  method: leave_one_out +# temporal or leave_one_out\n", text)
    assert re.search(r"  loss: \{kind: gbce, t: 0.5\} +# or another\n", text)
    assert "# What the file is.\n" in text
    assert "# split: because\n" in text
    assert MARK.match(text)
    assert YAML(typ="safe").load(text)["split"] == {"method": "leave_one_out", "max_length": 50}


def test_the_same_settings_over_their_own_result_give_the_same_bytes() -> None:
    settings = {"split.method": "leave_one_out", "split.seen": "miss", "embed_items.loss": None}
    once = render(BASE, settings, ["a note"])

    assert render(once, settings, ["a note"]) == once


def test_a_revised_file_keeps_comments_notes_and_what_its_mark_says(tmp_path: Path) -> None:
    written = render(BASE, {}, ["a note"])

    revised = revise(written, {"embed_items.width": 32})

    changed = [line for line in revised.splitlines()[1:] if line not in written.splitlines()]
    assert changed == ["  width: 32"]
    assert is_unedited(params_of(tmp_path, revised))
    edited = written.replace("max_length: 50", "max_length: 60")
    assert not is_unedited(params_of(tmp_path, revise(edited, {"embed_items.width": 32})))
    assert revise(BASE, {"embed_items.width": 32}) == BASE.replace("width: 64", "width: 32")


def test_what_init_wrote_is_overwritten_and_what_a_person_edited_is_not(tmp_path: Path) -> None:
    path = params_of(tmp_path, render(BASE, {}, []))
    new = render(BASE, {"split.max_length": 30}, [])

    assert write_params(path, new) == (path, "")

    path.write_text(path.read_text().replace("width: 64", "width: 65"))
    written, difference = write_params(path, render(BASE, {"split.max_length": 20}, []))

    assert written == tmp_path / "params.init.yaml"
    assert "width: 65" in path.read_text()
    assert "-  width: 65\n+  width: 64\n" in difference
    assert "-  max_length: 30\n+  max_length: 20\n" in difference


def test_what_git_has_may_be_overwritten_and_what_it_has_not_may_not(tmp_path: Path) -> None:
    path = params_of(tmp_path)
    assert not is_unedited(path)

    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "params.yaml")
    git(tmp_path, "commit", "-qm", "shipped")
    assert is_unedited(path)

    path.write_text(BASE.replace("64", "65"))
    assert not is_unedited(path)


def test_without_a_params_file_there_is_nothing_to_start_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="root of the project"):
        write_params(tmp_path / "params.yaml", BASE)
