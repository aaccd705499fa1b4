"""A small project served as `make ui` does, and its API."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from flows.server_process import HOST, free_port
from tests.support.project import environment
from tests.support.waiting import has_ended, wait_until


class Served:
    """`python -m flows.local_server` in a project, until it is stopped or killed."""

    def __init__(self, project: Path, **settings: str) -> None:
        self.project, self.port = project, free_port()
        self.printed = project / "ui.txt"
        with self.printed.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.local_server", str(self.port)],
                cwd=project,
                env={**environment(), "PREFECT_HOME": str(project / ".cache" / "prefect")}
                | settings,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(self._has_started, every=0.2)

    def _has_started(self) -> bool:
        assert self.process.poll() is None, self.printed.read_text()
        return "The pipeline is at" in self.printed.read_text()

    def call(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        method: str = "POST",
        *,
        signed: bool = True,
        **headers: str,
    ) -> tuple[int, Any]:
        """Status and content of a request to the API, with its auth string if `signed`."""
        if signed:
            secret = (self.project / ".state" / "prefect-auth").read_bytes().strip()
            headers["Authorization"] = f"Basic {base64.b64encode(secret).decode()}"
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
                return answer.status, json.loads(content) if content else None
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def deployment(self, name: str = "retrain/daily") -> Any:
        return self.call(f"deployments/name/{name}", method="GET")[1]

    def start_run(self) -> str:
        """Create a run of the deployment, as the form does; its id.

        A server that has just started answers 5xx while its database is busy: then once more.
        """
        path, answers = f"deployments/{self.deployment()['id']}/create_flow_run", list[Any]()

        def created() -> bool:
            code, answer = self.call(path, {})
            assert code < 300 or code >= 500, answer
            answers.append(answer)
            return code < 300

        wait_until(created, every=0.5)
        return str(answers[-1]["id"])

    def state(self, run: str) -> str:
        return str(self.call(f"flow_runs/{run}", method="GET")[1]["state_name"])

    def stop(self) -> None:
        """End it as Ctrl-C in its terminal does."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait()

    def kill_all(self) -> None:
        """SIGKILL for it and for whatever it has started, as a power cut."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        for process in family:
            process.kill()
        self.process.wait()
        wait_until(lambda: all(has_ended(process) for process in family))
