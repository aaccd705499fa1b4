"""Both servers are asked the same, for real, and what is reported was seen."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from pathlib import Path

import pytest

from benchmarks import service_load
from benchmarks.service_load import (
    HOST,
    LONGEST,
    Load,
    call_again_and_again,
    compare,
    in_turns,
    requests_of,
)
from tests.support.bundles import make_bundle


def test_requests_are_of_histories_of_all_lengths() -> None:
    requests = requests_of(["a", "b"])
    bodies = [json.loads(request.split(b"\r\n\r\n", 1)[1]) for request in requests]
    lengths = {len(body["history"]) for body in bodies}
    assert lengths == set(range(1, LONGEST + 1))
    assert requests == requests_of(["a", "b"])
    head, body = requests[0].split(b"\r\n\r\n", 1)
    assert f"Content-Length: {len(body)}".encode() in head


def test_each_answer_is_timed_and_failures_are_counted() -> None:
    statuses = iter(["200 OK", "503 Service Unavailable"] * 1000)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(0.01)
            writer.write(f"HTTP/1.1 {next(statuses)}\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    async def scenario() -> Load:
        server = await asyncio.start_server(answer, HOST, 0)
        load = Load(until=time.perf_counter() + 0.2)
        port = server.sockets[0].getsockname()[1]
        await call_again_and_again(port, [b"GET / HTTP/1.1\r\n\r\n"], 5, load)
        server.close()
        return load

    load = asyncio.run(scenario())
    assert min(load.seconds) >= 0.01 and sum(load.seconds) >= 0.15
    assert load.failed == len(load.seconds) // 2


def test_a_figure_is_the_median_of_turns_in_which_all_are_measured() -> None:
    order: list[str] = []
    values = iter([3.0, 30.0, 1.0, 10.0, 2.0, 20.0])

    def take(name: str) -> dict[str, float]:
        order.append(name)
        return {"ms": next(values)}

    figures = in_turns({name: functools.partial(take, name) for name in ("a", "b")})
    assert order == ["a", "b"] * 3
    assert figures == {"a": {"ms": 2.0}, "b": {"ms": 20.0}}


@pytest.mark.acceptance
def test_service_and_naive_handler_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_load, "CALLERS", (3,))
    monkeypatch.setattr(service_load, "TURNS", 1)
    figures = compare(make_bundle(tmp_path / "bundle"), 0.5)["3"]
    for server in ("service", "naive"):
        seen = figures[server]
        assert seen["failed"] == 0
        assert 0 < seen["p50_ms"] <= seen["p95_ms"] <= seen["p99_ms"]
        assert seen["answers_per_second"] > 1 and seen["processor_ms_per_answer"] > 0
