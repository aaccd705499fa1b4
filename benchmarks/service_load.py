"""What examples/service answers under load, beside a handler of one call a request.

Run as: python -m benchmarks.service_load [--bundle BUNDLE] [--items 12000] [--seconds 2]
Both run in a process of their own on loopback, one thread a call. C callers each send a request,
wait for the answer and send the next, for some seconds, in turns of both; figures are medians of
turns. Without a bundle that of benchmarks/random_bundle.py is taken. The callers share the machine
with the servers, so the processor's milliseconds an answer are the servers' alone. Results:
benchmarks/results/service-load.json.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.arguments import RESULTS, new_parser
from benchmarks.random_bundle import write_random_bundle
from flows.server_process import HOST, free_port
from slmrec.core.files import write_json
from slmrec.runtime.bundle import ITEMS, read_bundle
from slmrec.runtime.items import items_from_jsonl
from slmrec.studies.environment import machine

SERVERS = {
    "service": ("-m", "examples.service", "{bundle}", "--port", "{port}"),
    "naive": ("-m", "benchmarks.naive_service", "{bundle}", "{port}"),
}
CALLERS = (1, 4, 16, 64)
TURNS = 3
Figures = dict[str, float]
K, LONGEST, REQUESTS, WARM_UP = 10, 50, 512, 0.5  # the last in seconds
LONGEST_START = 300  # seconds


@dataclass
class Load:
    """What some callers saw."""

    until: float
    seconds: list[float] = field(default_factory=list)  # of each answer
    failed: int = 0  # answers other than 200


def requests_of(ids: list[str]) -> list[bytes]:
    """HTTP requests of histories drawn at random, of 1 to `LONGEST` items."""
    rng = np.random.default_rng(1)
    requests = []
    for length in rng.integers(1, LONGEST, REQUESTS, endpoint=True):
        history = [ids[item] for item in rng.integers(0, len(ids), length)]
        body = json.dumps({"history": history, "k": K}).encode()
        head = f"POST /recommend HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        requests.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return requests


async def call_again_and_again(port: int, requests: list[bytes], first: int, load: Load) -> None:
    """One caller, on one connection that stays open."""
    reader, writer = await asyncio.open_connection(HOST, port)
    while time.perf_counter() < load.until:
        started = time.perf_counter()
        writer.write(requests[first % len(requests)])
        first += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        load.seconds.append(time.perf_counter() - started)
        load.failed += " 200 " not in head.split("\r\n")[0]
    writer.close()


async def load_server(port: int, requests: list[bytes], callers: int, seconds: float) -> Load:
    """Let so many callers ask for some seconds."""
    load = Load(until=time.perf_counter() + seconds)
    firsts = range(0, callers * 37, 37)  # callers begin with different requests
    await asyncio.gather(*(call_again_and_again(port, requests, first, load) for first in firsts))
    return load


def measure(
    server: psutil.Process, port: int, requests: list[bytes], callers: int, seconds: float
) -> Figures:
    """Milliseconds of an answer, answers a second, and the server's processor time for one."""
    asyncio.run(load_server(port, requests, callers, WARM_UP))
    before, started = sum(server.cpu_times()[:2]), time.perf_counter()
    load = asyncio.run(load_server(port, requests, callers, seconds))
    took, spent = time.perf_counter() - started, sum(server.cpu_times()[:2]) - before
    p50, p95, p99 = (1000 * np.quantile(load.seconds, (0.5, 0.95, 0.99))).tolist()
    return {
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "answers_per_second": len(load.seconds) / took,
        "processor_ms_per_answer": 1000 * spent / len(load.seconds),
        "failed": load.failed,
    }


@contextmanager
def running(kind: str, bundle: Path) -> Iterator[tuple[psutil.Process, int]]:
    """A server that is ready, and its port; it ends with the block."""
    port = free_port()
    words = [word.format(bundle=bundle, port=port) for word in SERVERS[kind]]
    process = subprocess.Popen([sys.executable, *words])
    try:
        asyncio.run(_wait_for(port, process))
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait()


async def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    last = time.monotonic() + LONGEST_START
    while time.monotonic() < last and process.poll() is None:
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(f"GET /health/ready HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            if b" 200 " in answer.splitlines()[0]:
                return
        except OSError:
            pass  # it does not listen yet
        await asyncio.sleep(0.1)
    raise RuntimeError(f"the server was not ready within {LONGEST_START} seconds, or ended")


def compare(bundle: Path, seconds: float) -> dict[str, Any]:
    """Figures by number of callers and server."""
    ids = items_from_jsonl(read_bundle(bundle).files[ITEMS]).ids
    requests = requests_of(list(ids))
    with running("service", bundle) as service, running("naive", bundle) as naive:
        servers = {"service": service, "naive": naive}
        return {
            str(callers): in_turns(
                {
                    name: functools.partial(measure, *server, requests, callers, seconds)
                    for name, server in servers.items()
                }
            )
            for callers in CALLERS
        }


def in_turns(measurements: dict[str, Callable[[], Figures]]) -> dict[str, Figures]:
    """Each figure's median over turns of all measurements."""
    turns = [{name: take() for name, take in measurements.items()} for _ in range(TURNS)]
    return {
        name: {
            figure: statistics.median(turn[name][figure] for turn in turns)
            for figure in turns[0][name]
        }
        for name in measurements
    }


def main() -> None:
    """Measure, write the results and print them."""
    parser = new_parser(__doc__)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--items", type=int, default=12_000, help="of the bundle made at random")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn")
    p = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bundle = p.bundle or write_random_bundle(Path(name) / "bundle", p.items)
        result = {
            "by_callers": compare(bundle, p.seconds),
            "weights": "the bundle's" if p.bundle else "at random: benchmarks/random_bundle.py",
            "items": read_bundle(bundle).contract["items"]["candidates"],
            "histories": f"1 to {LONGEST} items, k {K}",
            "load_average": os.getloadavg()[0],  # of a minute, at the end: callers, servers, others
            "measured_with": machine(1, "onnxruntime-gpu", "numpy", "fastapi", "uvicorn"),
        }
    write_json(RESULTS / "service-load.json", result)
    print((RESULTS / "service-load.json").read_text(), end="")


if __name__ == "__main__":
    main()
