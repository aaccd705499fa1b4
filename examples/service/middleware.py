"""What every request goes through: a bound on its body, and a place in the metrics."""

from __future__ import annotations

import time

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.service.metrics import Metrics

LARGEST_BODY = 2**19  # bytes: two lists of MOST_IDS ids of any length in use


class Bounded:
    """Refuses a body of more than `LARGEST_BODY` bytes as it comes in, whatever its header says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        size = 0

        async def receive_bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413, f"a request has at most {LARGEST_BODY:,} bytes")
            return message

        await self.app(scope, receive_bounded, send)


class Counted:
    """Counts answers and their seconds by path and status; paths that are not served, as one."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def send_noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        path = scope["path"] if scope["path"] in self.paths else "other"  # callers choose no labels
        try:
            await self.app(scope, receive, send_noted)
        finally:
            self.metrics.answers.labels(path, status).inc()
            self.metrics.seconds.labels(path).observe(time.perf_counter() - started)
