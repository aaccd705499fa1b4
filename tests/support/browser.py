"""Headless Chromium, driven by its DevTools protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect

from tests.support.waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PORT_FILE = "DevToolsActivePort"  # below the profile: Chromium writes the port it took


class Browser:
    """One page of a browser with a fresh profile, until the block ends."""

    def __init__(self) -> None:
        assert CHROMIUM is not None
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        self._process = subprocess.Popen(
            [
                CHROMIUM,
                *options,
                "--remote-debugging-port=0",
                "--window-size=1600,2400",  # lists of the page hold what is in sight
                f"--user-data-dir={self._profile.name}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = Path(self._profile.name, PORT_FILE)
        wait_until(lambda: port_file.is_file() and "\n" in port_file.read_text())
        port = port_file.read_text().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = [page for page in json.load(answer) if page["type"] == "page"]
        self._socket = connect(pages[0]["webSocketDebuggerUrl"], max_size=None)
        self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        """Go to a page; it need not have loaded when this returns."""
        self._call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; None while the page is changing."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value")

    def wait_for(self, expression: str) -> None:
        """Until a JavaScript expression is true in the page."""
        wait_until(lambda: self.evaluate(expression) is True, every=0.1)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._calls += 1
        call = {"id": self._calls, "method": method, "params": parameters}
        self._socket.send(json.dumps(call))
        while True:  # events come in between
            answer: dict[str, Any] = json.loads(self._socket.recv())
            if answer.get("id") == self._calls:
                result: dict[str, Any] = answer.get("result", {})
                return result
