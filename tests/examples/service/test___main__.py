"""How the process ends."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

from flows.server_process import HOST
from tests.support.bundles import make_bundle
from tests.support.examples import ASKED, serving


def test_what_has_begun_is_answered_before_it_ends(tmp_path: Path) -> None:
    with serving(make_bundle(tmp_path / "bundle"), tmp_path / "printed.txt") as served:
        served.wait_for("/health/ready", 200)
        body = json.dumps(ASKED).encode()
        connection = http.client.HTTPConnection(HOST, served.port, timeout=60)
        connection.putrequest("POST", "/recommend")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:5])
        served.call("/health/live")
        served.process.terminate()
        connection.send(body[5:])
        answer = connection.getresponse()
        assert answer.status == 200 and len(json.loads(answer.read())["items"]) == 4
        connection.close()
        assert served.process.wait(60) in (0, -15), served.printed.read_text()
