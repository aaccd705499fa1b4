"""However a command of the flows is stopped, it says so in one line and ends with a code."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.dvc_stages import StageError
from flows.ends import run_command
from slmrec.core.errors import BusyError


@pytest.fixture(autouse=True)
def _own_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Signals as they were before, and no end with the parent of the tests."""
    monkeypatch.setattr("flows.ends.die_with_parent", lambda _number: None)
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def fail(error: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "flow: stopped by Ctrl-C; make flow goes on from here"),
        (StageError("split", 3, "no events"), 3, "flow: split ended with 3: no events"),
        (BusyError("it is running"), 5, "flow: it is running"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            8,
            "flow: no space left to write (No space left on device); free some, for example with "
            "dvc gc --workspace, and run it again",
        ),
    ],
)
def test_an_end_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command("flow", fail(error))
    assert ended.value.code == code
    assert capsys.readouterr().err.splitlines() == [line]


def test_a_second_ctrl_c_does_not_stop_the_end_half_way() -> None:
    with pytest.raises(SystemExit):
        run_command("flow", fail(KeyboardInterrupt()))
    os.kill(os.getpid(), signal.SIGINT)


def test_the_code_of_a_command_is_that_of_the_process() -> None:
    with pytest.raises(SystemExit) as ended:
        run_command("repro", lambda: 255)
    assert ended.value.code == 255


def test_sigterm_cleans_up_on_the_way_out(tmp_path: Path) -> None:
    def command() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            (tmp_path / "cleaned").touch()
        return 0

    with pytest.raises(SystemExit) as ended:
        run_command("flow", command)
    assert ended.value.code == 143
    assert (tmp_path / "cleaned").exists()


def test_another_error_is_not_hidden() -> None:
    with pytest.raises(FileNotFoundError):
        run_command("flow", fail(FileNotFoundError(errno.ENOENT, "absent", "x")))
