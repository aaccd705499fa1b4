"""A PostgreSQL server for one test, on loopback, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.server_process import HOST, free_port


def _found(name: str) -> str | None:
    """Where a program of PostgreSQL lies; Debian keeps them off the search path."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


INITDB, PG_CTL = _found("initdb"), _found("pg_ctl")


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of an empty database `prefect`, as Prefect's settings take it."""
    assert INITDB and PG_CTL
    # PostgreSQL refuses to run as root.
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "postgres")
        folder.mkdir()
        Path(root).chmod(0o755)
        if owner:
            shutil.chown(folder, **owner)
        port, log = free_port(), folder / "log.txt"

        def run(*command: str) -> None:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=False, **owner
            )
            assert done.returncode == 0, done.stdout + done.stderr

        run(INITDB, "--pgdata", "data", "--auth", "trust", "--username", "prefect", "--no-sync")
        settings = f"-p {port} -c listen_addresses={HOST} -c unix_socket_directories={folder}"
        # Its lines go to a file: a server that inherits a pipe keeps it open.
        start = f'"{PG_CTL}" --pgdata data --wait --options "{settings}" --log {log} start'
        run("sh", "-c", f"{start} >/dev/null 2>&1 </dev/null")
        try:
            yield f"postgresql+asyncpg://prefect@{HOST}:{port}/postgres"
        finally:
            run(PG_CTL, "--pgdata", "data", "--mode", "immediate", "stop")
