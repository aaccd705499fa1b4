"""The auth string is made once, for its owner alone, and people may set their own."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flows.access import CLIENT, ORIGINS, SERVER, api_access


@pytest.fixture(autouse=True)
def state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMREC_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_the_string_is_printed_once_and_kept_for_its_owner_alone(
    state_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = api_access(4200, {})
    assert f"asks for this once: {first[SERVER]}\n" in capsys.readouterr().out
    assert api_access(4200, {}) == first
    assert capsys.readouterr().out == ""
    assert first[SERVER] == first[CLIENT]
    (file,) = state_dir.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"{first[SERVER]}\n"


def test_another_folder_has_another_string(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = api_access(4200, {})
    monkeypatch.setenv("SLMREC_STATE", str(tmp_path / "other"))
    assert api_access(4200, {})[SERVER] != first[SERVER]


def test_only_pages_of_the_server_itself_may_call_it() -> None:
    assert api_access(4300, {})[ORIGINS] == "http://127.0.0.1:4300,http://localhost:4300"


def test_what_the_environment_says_is_kept(state_dir: Path) -> None:
    own = {SERVER: "team:secret", ORIGINS: "https://prefect.example.org"}
    assert api_access(4200, own) == {**own, CLIENT: "team:secret"}
    assert not state_dir.exists()
