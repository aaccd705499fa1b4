"""Server, deployment and worker together on loopback, until Ctrl-C: `python -m flows.ui PORT`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from flows.processes import process_group
from flows.zombies import HEARTBEAT_SECONDS
from slmrec.core.errors import BusyError, SlmrecError, UnavailableError

HOST = "127.0.0.1"


POOL = "slmrec"


SECONDS_TO_START = 120


def serve(port: int) -> None:
    """Start all three, print the address, wait until one of them ends. Raises UnavailableError when one does."""
    _refuse_busy(port)
    address = f"http://{HOST}:{port}"
    _set_environment(address)
    with ExitStack() as stack:
        server = stack.enter_context(
            process_group(
                "prefect", ["server", "start", "--host", HOST, "--port", str(port)], Path(), None
            )
        )
        _wait_for(f"{address}/api/health", server)
        _deploy()
        worker = stack.enter_context(
            process_group(
                "prefect", ["worker", "start", "--pool", POOL, "--type", "process"], Path(), None
            )
        )
        print(
            f"\nThe pipeline is at {address}/deployments (run it there, or wait for its schedule). Ctrl-C stops everything.",
            flush=True,
        )
        _wait_while_alive({"server": server, "worker": worker})


def _refuse_busy(port: int) -> None:
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
    # SQLite, the database of one machine, answers "database is locked" sooner than busy cores let
    # it write.
    os.environ.setdefault("PREFECT_SERVER_DATABASE_TIMEOUT", "60")
    os.environ["SLMREC_PROJECT"] = str(Path().absolute())  # prefect.yaml sends the worker there


def _wait_for(url: str, server: subprocess.Popen[str]) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise UnavailableError(
        f"the Prefect server did not answer at {url} within {SECONDS_TO_START} s; its lines above say why"
    )


def _deploy() -> None:
    for module, words in (
        ("prefect", ["work-pool", "create", POOL, "--type", "process", "--overwrite"]),
        ("prefect", ["--no-prompt", "deploy", "--all"]),
        ("flows.zombies", []),
    ):
        with process_group(module, words, Path(), None) as step:
            if step.wait(SECONDS_TO_START):
                raise UnavailableError(
                    f"{module} {' '.join(words)} failed; its lines above say why"
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
    """Serve until told to stop; Ctrl-C and SIGTERM are the normal end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    try:
        serve(int(sys.argv[1]))
    except SlmrecError as error:
        print(f"ui: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
