"""Server, deployments and worker on loopback, until Ctrl-C: `python -m flows.local_server PORT`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from flows.access import api_access
from flows.ends import run_command
from flows.processes import process_group
from flows.server_process import HOST, wait_until_ready
from slmrec.core.errors import BusyError, UnavailableError
from slmrec.core.locks import lock
from slmrec.core.state import state_folder

POOL = "slmrec"  # the work pool that prefect.yaml names
HEARTBEAT_SECONDS = "30"  # as flows.zombies expects
HINT = "(run it there, or wait for its schedule). Ctrl-C stops everything."


def serve(port: int) -> None:
    """Start all three, print the address and wait.

    Raises BusyError when the port is taken or this folder is served already, and UnavailableError
    when one of the three ends.
    """
    with lock("ui", folder=state_folder()):  # two of them would write one database
        _check_port(port)
        address = f"http://{HOST}:{port}"
        _set_environment(port)
        with _prefect("server", "start", "--host", HOST, "--port", str(port)) as server:
            wait_until_ready(f"{address}/api/health", server)
            with _recovered(), _prefect("worker", "start", "--pool", POOL) as worker:
                print(f"\nThe pipeline is at {address}/deployments {HINT}", flush=True)
                _wait_while_alive({"server": server, "worker": worker})


def _prefect(*arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return process_group("prefect", list(arguments), Path(), None)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise BusyError(
                f"port {port} is taken ({error.strerror}); choose another: make ui PORT=4300"
            ) from error


def _set_environment(port: int) -> None:
    os.environ.update(api_access(port, os.environ))
    os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
    os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = HEARTBEAT_SECONDS
    # On busy cores a write takes longer than SQLite's default before "database is locked".
    os.environ.setdefault("PREFECT_SERVER_DATABASE_TIMEOUT", "60")
    os.environ["SLMREC_PROJECT"] = str(Path().absolute())  # prefect.yaml sends the worker there
    os.environ["SLMREC_SERVED_BY"] = f"{os.getpid()} since {time.time()}"


@contextmanager
def _recovered() -> Iterator[None]:
    """A server that knows of no run but those of this process, before it and after it."""
    # Here, because Prefect reads the environment when it is imported.
    from flows.automations import provision
    from flows.deploy import deploy
    from flows.recovery import end_orphans, recover

    for orphan in end_orphans():
        print(f"ended process {orphan}, which an earlier make ui had left", flush=True)
    for name in recover("its server ended before it did"):
        print(f"marked run {name} as crashed: its server ended before it did", flush=True)
    deploy()
    provision()
    try:
        yield
    finally:
        recover("make ui was stopped")


def _wait_while_alive(processes: dict[str, subprocess.Popen[str]]) -> None:
    while True:
        time.sleep(1)
        for name, process in processes.items():
            if process.poll() is not None:
                raise UnavailableError(
                    f"the Prefect {name} ended with {process.returncode}; its lines above say why"
                )


def main() -> None:
    """Serve on the port that the command line names; Ctrl-C and SIGTERM end it with exit code 0."""
    run_command("ui", _serve_until_told)


def _serve_until_told() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    serve(int(sys.argv[1]))
    return 0


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    # Worker and server take seconds to end, one after the other; a second Ctrl-C waits too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    main()
