"""A Prefect server on loopback as a process, and waiting until it answers."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.processes import process_group
from slmrec.core.errors import UnavailableError

HOST = "127.0.0.1"
SECONDS_TO_START = 120
SECONDS_TO_END = 2  # what a server has to save is in its database with every request
# As Prefect starts its own temporary one: without a page, and without the services of a schedule.
TEMPORARY = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}
UVICORN = ["--factory", "prefect.server.api.server:create_app", "--log-level", "error"]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def temporary_server(port: int) -> Iterator[None]:
    """A server for one run on `port`, for this process alone. Raises UnavailableError."""
    secret = f"slmrec:{secrets.token_urlsafe(24)}"
    os.environ["PREFECT_API_AUTH_STRING"] = secret
    settings = {**TEMPORARY, "PREFECT_SERVER_API_AUTH_STRING": secret}
    address = [*UVICORN, "--host", HOST, "--port", str(port)]
    with (
        tempfile.TemporaryFile("w+") as printed,
        process_group(
            "uvicorn",
            address,
            Path(),
            printed.fileno(),
            settings=settings,
            seconds_to_end=SECONDS_TO_END,
        ) as server,
    ):
        try:
            wait_until_ready(f"http://{HOST}:{port}/api/health", server)
        except UnavailableError as error:
            printed.seek(0)
            last = (printed.read().splitlines() or ["it said nothing"])[-1]
            raise UnavailableError(f"{error}: {last}") from error
        yield


def wait_until_ready(url: str, server: subprocess.Popen[str]) -> None:
    """Return when the server answers at `url`. Raises UnavailableError."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    said = "has ended" if server.poll() is not None else "is silent"
    raise UnavailableError(
        f"the Prefect server {said}, it was expected to answer at {url} within "
        f"{SECONDS_TO_START} s; see its last lines"
    )
