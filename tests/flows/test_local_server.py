"""Server and worker are started together, and whoever fails is named."""

from __future__ import annotations

import asyncio
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import asyncpg
import pytest

from flows import local_server
from flows.local_server import serve
from flows.server_process import HOST, free_port
from slmrec.core.errors import BusyError, UnavailableError
from slmrec.core.locks import lock
from tests.support.postgres import PG_CTL, postgres_server
from tests.support.served import Served
from tests.support.server_restarts import ENDED, wait_for_stage, write_waiting_project
from tests.support.waiting import has_ended, wait_until

SET = (  # by the server, for what it starts
    "PREFECT_API_URL",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY",
    "PREFECT_SERVER_DATABASE_TIMEOUT",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS",
    "SLMREC_PROJECT",
    "SLMREC_SERVED_BY",
)


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """A free one; what serving sets in the environment is put back afterwards."""
    for name in SET:
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(local_server.time, "sleep", lambda _seconds: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLMREC_STATE", raising=False)
    return free_port()


@contextmanager
def ended_process(
    module: str, arguments: list[str], folder: Path, output: int | None
) -> Iterator[subprocess.Popen[str]]:
    """Stands for flows.processes.process_group: whatever it starts ends at once, with 3."""
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], text=True)
    process.wait()
    yield process


@pytest.mark.usefixtures("port")
def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(BusyError, match=f"port {taken} is taken .*; choose another: make ui"):
            serve(taken)


def test_a_folder_is_served_once_at_a_time(port: int) -> None:
    with lock("ui", folder=Path(".state")), pytest.raises(BusyError, match="ui is already running"):
        serve(port)


def test_a_server_that_ends_before_it_answers_is_named(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    with pytest.raises(UnavailableError, match=f"to answer at http://{HOST}:{port}/api/health"):
        serve(port)


def test_a_server_that_ends_later_is_named_with_its_exit_code(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    monkeypatch.setattr(local_server, "wait_until_ready", lambda _url, _server: None)
    monkeypatch.setattr(local_server, "_recovered", nullcontext)
    with pytest.raises(UnavailableError, match="the Prefect server ended with 3"):
        serve(port)
    assert f"The pipeline is at http://{HOST}:{port}/deployments" in capsys.readouterr().out


def test_the_command_ends_with_the_code_of_the_error(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_server, "process_group", ended_process)
    monkeypatch.setattr(local_server.signal, "signal", lambda _number, _handler: None)
    monkeypatch.setattr("flows.ends.die_with_parent", lambda _number: None)
    monkeypatch.setattr(sys, "argv", ["local_server", str(port)])
    with pytest.raises(SystemExit) as ended:
        local_server.main()
    assert ended.value.code == UnavailableError.exit_code
    assert capsys.readouterr().err.startswith("ui: the Prefect server has ended")


@pytest.fixture
def project_to_serve(small: Path) -> Path:
    """A pipeline of one stage, which waits as long as the file `wait` is there."""
    write_waiting_project(small)
    return small


@pytest.mark.acceptance
def test_after_a_power_cut_and_after_ctrl_c_the_next_run_goes_on(project_to_serve: Path) -> None:
    served = Served(project_to_serve)
    cut_off = served.start_run()
    wait_for_stage(project_to_serve)
    served.kill_all()

    served = Served(project_to_serve)
    assert served.state(cut_off) == "Crashed"
    printed = served.printed.read_text()
    assert "as crashed: its server ended before it did" in printed
    assert (
        "keeps" not in printed and "slmrec:" not in printed
    )  # the secret was printed once, before
    stopped = served.start_run()
    stage = wait_for_stage(project_to_serve)
    served.stop()
    assert has_ended(stage)

    served = Served(project_to_serve)
    assert served.state(stopped) == "Crashed"
    (project_to_serve / "wait").unlink()
    last = served.start_run()
    wait_until(lambda: served.state(last) in ENDED, every=0.5)
    state = served.state(last)
    served.stop()
    assert state == "Completed", served.printed.read_text()


@pytest.mark.acceptance
@pytest.mark.skipif(PG_CTL is None, reason="needs PostgreSQL")
def test_with_postgres_runs_are_kept_there(project_to_serve: Path) -> None:
    (project_to_serve / "wait").unlink()
    with postgres_server() as url:
        served = Served(project_to_serve, PREFECT_SERVER_DATABASE_CONNECTION_URL=url)
        run = served.start_run()
        wait_until(lambda: served.state(run) in ENDED, every=0.5)
        state = served.state(run)
        served.stop()
        assert state == "Completed", served.printed.read_text()
        states = asyncio.run(states_in(url))
    assert states.pop(run) == "COMPLETED"
    assert set(states.values()) == {"SCHEDULED"}  # of the daily deployment


async def states_in(url: str) -> dict[str, str]:
    """The runs in a database of Prefect's and the states that they are in."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        rows = await connection.fetch("SELECT id, state_type FROM flow_run")
    finally:
        await connection.close()
    return {str(row["id"]): row["state_type"] for row in rows}


@pytest.mark.acceptance
def test_only_who_knows_the_auth_string_may_use_the_api_and_what_people_set_is_kept(
    project_to_serve: Path,
) -> None:
    served = Served(project_to_serve)
    foreign = {"Origin": "http://elsewhere.example"}
    assert served.call("deployments/filter", {}, signed=False, **foreign)[0] == 401
    create = f"deployments/{served.deployment()['id']}/create_flow_run"
    assert served.call(create, {}, signed=False, **foreign)[0] == 401
    code, answer = served.call(create, {"parameters": {"date": "2026-01-01"}})
    assert code == 409
    assert "'date' was unexpected" in answer
    assert stat.S_IMODE((project_to_serve / ".state/prefect-auth").stat().st_mode) == 0o600
    assert allowed_origin(served, "http://elsewhere.example") is None
    assert allowed_origin(served, f"http://127.0.0.1:{served.port}") is not None

    deployment = served.deployment()
    schedule = f"deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    weekly = {"active": False, "schedule": {"cron": "7 5 * * 1", "timezone": "UTC"}}
    assert served.call(schedule, weekly, "PATCH")[0] == 204
    served.stop()
    served = Served(project_to_serve)
    (kept,) = served.deployment()["schedules"]
    served.stop()
    assert (kept["schedule"]["cron"], kept["active"]) == ("7 5 * * 1", False)


def allowed_origin(served: Served, origin: str) -> str | None:
    """What the server answers a browser that asks whether a page from `origin` may call it."""
    request = urllib.request.Request(
        f"http://{HOST}:{served.port}/api/deployments/filter",
        headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
        method="OPTIONS",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            allowed: str | None = answer.headers.get("access-control-allow-origin")
            return allowed
    except urllib.error.HTTPError as error:
        return error.headers.get("access-control-allow-origin")
