"""Server, deployment and worker on loopback, until Ctrl-C: `python -m flows.local_server PORT`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path

from flows.processes import process_group
from flows.zombies import HEARTBEAT_SECONDS
from slmrec.core.errors import BusyError, SlmrecError, UnavailableError

HOST = "127.0.0.1"
POOL = "slmrec"  # the work pool that prefect.yaml names
SECONDS_TO_START = 120
HINT = "(run it there, or wait for its schedule). Ctrl-C stops everything."


def serve(port: int) -> None:
    """Start all three, print the address and wait.

    Raises BusyError when the port is taken and UnavailableError when one of the three ends.
    """
    _check_port(port)
    address = f"http://{HOST}:{port}"
    _set_environment(address)
    with _prefect("server", "start", "--host", HOST, "--port", str(port)) as server:
        _wait_for(f"{address}/api/health", server)
        _deploy()
        with _prefect("worker", "start", "--pool", POOL, "--type", "process") as worker:
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


def _set_environment(address: str) -> None:
    os.environ["PREFECT_API_URL"] = f"{address}/api"
    os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = str(HEARTBEAT_SECONDS)
    # On busy cores a write takes longer than SQLite's default before "database is locked".
    os.environ.setdefault("PREFECT_SERVER_DATABASE_TIMEOUT", "60")
    os.environ["SLMREC_PROJECT"] = str(Path().absolute())  # prefect.yaml sends the worker there


def _wait_for(url: str, server: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise UnavailableError(
        f"the Prefect server did not answer at {url} within {SECONDS_TO_START} s; "
        "its lines above say why"
    )


def _deploy() -> None:
    for module, arguments in (
        ("prefect", ["work-pool", "create", POOL, "--type", "process", "--overwrite"]),
        ("prefect", ["--no-prompt", "deploy", "--all"]),
        ("flows.zombies", []),
    ):
        with process_group(module, arguments, Path(), None) as step:
            if step.wait(SECONDS_TO_START):
                raise UnavailableError(
                    f"{module} {' '.join(arguments)} failed; its lines above say why"
                )


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
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    try:
        serve(int(sys.argv[1]))
    except SlmrecError as error:
        print(f"ui: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
