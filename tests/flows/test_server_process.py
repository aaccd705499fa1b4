"""A server that does not come up is named, with the last line it said."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows import server_process
from flows.server_process import HOST, free_port, temporary_server, wait_until_ready
from slmrec.core.errors import UnavailableError


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as probe:
        probe.bind((HOST, free_port()))


def test_a_server_that_ends_before_it_answers_is_not_waited_for() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], text=True)
    ended.wait()
    with pytest.raises(UnavailableError, match="server has ended, it was expected to answer at"):
        wait_until_ready(f"http://{HOST}:{free_port()}/api/health", ended)


@contextmanager
def refused(
    module: str, arguments: list[str], folder: Path, output: int, **_settings: Any
) -> Iterator[subprocess.Popen[str]]:
    """Stands for flows.processes.process_group: a server that cannot open its database."""
    program = "print('starting'); raise SystemExit('the database is locked')"
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=output, stderr=output, text=True
    )
    process.wait()
    yield process


def test_the_last_line_of_a_temporary_server_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "process_group", refused)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "")
    with (
        pytest.raises(UnavailableError, match="the database is locked"),
        temporary_server(free_port()),
    ):
        pytest.fail("there is no server")
