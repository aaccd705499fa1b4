"""The service: POST /recommend, /health/live, /health/ready and /metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from examples.service import model
from examples.service.batching import MicroBatcher, OverloadedError
from examples.service.errors import add_error_answers
from examples.service.metrics import Metrics
from examples.service.middleware import Bounded, Counted
from examples.service.model import Answer, Asked
from slmrec.core.errors import SlmrecError
from slmrec.runtime.follow import Loaded

LARGEST_BATCH = 64  # requests of a call: bounds what the last of them waits
MOST_WAITING = 1024  # requests; beyond, callers are told at once
ANSWER_WITHIN = 2.0  # seconds, after which nobody waits any more
TRY_EVERY = 1.0  # seconds between tries to load the first version
LOG = logging.getLogger(__name__)


class Service:
    """A model, once it is loaded, and what is asked of it."""

    def __init__(self, path: Path, threads: int) -> None:
        self.path, self.threads, self.metrics = path, threads, Metrics()
        self.in_use: Callable[[], Loaded] | None = None
        self.obstacle = "the bundle is being loaded"
        self.batcher = MicroBatcher(self._answer_all, LARGEST_BATCH, MOST_WAITING)
        self.metrics.waiting.set_function(lambda: self.batcher.waiting)
        self.tasks: list[asyncio.Task[None]] = []

    async def load(self) -> None:
        """Load the first version; where there is none yet, wait for it."""
        while self.in_use is None:
            try:
                self.in_use = await asyncio.to_thread(model.open_model, self.path, self.threads)
            except (SlmrecError, OSError) as error:
                if self.obstacle != str(error):
                    LOG.error("not ready: %s", error)
                self.obstacle = str(error)
                await asyncio.sleep(TRY_EVERY)
        self.metrics.use(self.in_use().version)

    async def answer(self, asked: Asked) -> Answer:
        """The answer to one request, from whichever call takes it."""
        if self.in_use is None:
            raise HTTPException(503, self.obstacle)
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await self.batcher.ask(asked)
        except OverloadedError:
            raise HTTPException(503, f"{MOST_WAITING} requests wait already") from None
        except TimeoutError:
            raise HTTPException(504, f"no answer within {ANSWER_WITHIN} seconds") from None
        self.metrics.unknown.inc(answer.unknown)
        return answer

    async def _answer_all(self, batch: list[Asked]) -> list[Answer]:
        assert self.in_use is not None  # `answer` lets nothing through before
        loaded = self.in_use()  # looked at once: a batch is answered by one version
        self.metrics.use(loaded.version)
        self.metrics.batch.observe(len(batch))
        # In a thread, so that requests are read and health is told meanwhile.
        return await asyncio.to_thread(model.answer_all, loaded, batch)

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Load and answer while the server runs."""
        self.tasks = [asyncio.create_task(work) for work in (self.batcher.run(), self.load())]
        yield
        for task in self.tasks:
            task.cancel()


def make_app(path: Path, threads: int) -> FastAPI:
    """The application that serves a registry's version in use, or one bundle."""
    service = Service(path, threads)
    app = FastAPI(title="slmrec", lifespan=service.lifespan)
    add_error_answers(app)

    @app.post("/recommend")
    async def recommend(asked: Asked) -> Answer:
        return await service.answer(asked)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        if service.tasks[0].done():
            raise HTTPException(500, "nothing answers any more; start the process anew")
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        if service.in_use is None:
            raise HTTPException(503, service.obstacle)
        return {"status": "ready", "version": service.in_use().version}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    paths = frozenset(route.path for route in app.routes if hasattr(route, "path"))
    app.add_middleware(Bounded)
    app.add_middleware(Counted, metrics=service.metrics, paths=paths)
    return app
