"""Server and worker are started together, and whoever fails is named."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows import local_server
from flows.local_server import HOST, serve
from slmrec.core.errors import BusyError, UnavailableError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server is told by the environment; put back afterwards."""
    for name in ("PREFECT_API_URL", "PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "SLMREC_PROJECT"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(local_server.time, "sleep", lambda _seconds: None)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free: int = probe.getsockname()[1]
        return free


@contextmanager
def ended_process(
    module: str, arguments: list[str], folder: Path, output: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Stands for flows.processes.process_group: whatever it starts ends at once, with 3."""
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], text=True)
    process.wait()
    yield process


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(BusyError, match=f"port {taken} is taken .*; choose another: make ui"):
            serve(taken)


def test_a_server_that_ends_before_it_answers_is_named(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    with pytest.raises(
        UnavailableError, match=f"did not answer at http://{HOST}:{port}/api/health"
    ):
        serve(port)


def test_a_step_of_the_deployment_that_fails_is_named_with_its_command(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    monkeypatch.setattr(local_server, "_wait_for", lambda _url, _server: None)
    with pytest.raises(UnavailableError, match=r"prefect work-pool create slmrec .* failed"):
        serve(port)


def test_a_server_that_ends_later_is_named_with_its_exit_code(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    monkeypatch.setattr(local_server, "_wait_for", lambda _url, _server: None)
    monkeypatch.setattr(local_server, "_deploy", lambda: None)
    with pytest.raises(UnavailableError, match="the Prefect server ended with 3"):
        serve(port)
    assert f"The pipeline is at http://{HOST}:{port}/deployments" in capsys.readouterr().out


def test_the_command_ends_with_the_code_of_the_error(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    monkeypatch.setattr(local_server.signal, "signal", lambda _number, _handler: None)
    monkeypatch.setattr(sys, "argv", ["local_server", str(port)])
    with pytest.raises(SystemExit) as ended:
        local_server.main()
    assert ended.value.code == UnavailableError.exit_code
    assert capsys.readouterr().err.startswith("ui: the Prefect server did not answer")
