"""The example service in a process of its own, and requests to it over loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.server_process import HOST, free_port
from tests.support.bundles import make_bundle
from tests.support.project import ROOT
from tests.support.waiting import wait_until

ASKED = {"history": ["i5", "i9", "nowhere"], "k": 4}


class Served:
    """A service that was started, at its address."""

    def __init__(self, path: Path, printed: Path) -> None:
        self.path, self.port, self.printed = path, free_port(), printed
        command = [sys.executable, "-m", "examples.service", str(path), "--port", str(self.port)]
        with printed.open("w") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)

    def call(self, path: str, body: object = None) -> tuple[int, Any]:
        """Status and content of a request; `body` is sent as JSON, bytes as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _content(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _content(error.read())

    def error(self, path: str, body: object = None) -> tuple[int, str, str]:
        """Status, code and message of a request that is refused."""
        status, content = self.call(path, body)
        assert list(content) == ["error"]
        return status, content["error"]["code"], content["error"]["message"]

    def metric(self, line: str) -> float:
        """The value of a metric, by its name with labels as they are printed; 0 without it."""
        lines = str(self.call("/metrics")[1]).splitlines()
        return sum(float(each.removeprefix(line)) for each in lines if each.startswith(f"{line} "))

    def wait_for(self, path: str, status: int) -> None:
        """Go on asking until that is the status."""

        def is_so() -> bool:
            assert self.process.poll() is None, self.printed.read_text()
            try:
                return self.call(path)[0] == status
            except urllib.error.URLError:  # it does not listen yet
                return False

        wait_until(is_so)

    def stop(self) -> int:
        """End it as a supervisor does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def _content(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode()


@contextmanager
def serving(path: Path, printed: Path) -> Iterator[Served]:
    """A service of a registry or a bundle, which ends with the block."""
    served = Served(path, printed)
    try:
        yield served
    finally:
        served.process.kill()
        served.process.wait()


def publish(registry: Path, version: str) -> None:
    """A version beside the others, and the pointer moved to it as a publisher does."""
    (registry / version).mkdir(parents=True)
    make_bundle(registry / version / "bundle")
    (registry / ".new").symlink_to(version)
    os.replace(registry / ".new", registry / "current")
