"""A body has a bound."""

from __future__ import annotations

import http.client

from examples.service.middleware import LARGEST_BODY
from flows.server_process import HOST
from tests.support.examples import Served


def test_a_body_beyond_the_bound_is_refused_however_it_comes(served: Served) -> None:
    assert served.error("/recommend", b" " * (LARGEST_BODY + 1))[:2] == (413, "too_large")
    connection = http.client.HTTPConnection(HOST, served.port, timeout=60)
    chunks = iter([b" " * 2**16] * (LARGEST_BODY // 2**16 + 1))
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/recommend", chunks, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
