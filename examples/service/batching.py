"""Micro-batching: what arrives while a call runs is answered together by the next one.

Nothing waits for company: a request that finds the model idle is answered at once, and the busier
the service is, the larger its batches become.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class OverloadedError(Exception):
    """As many requests wait as may; another one would only wait in vain."""


@dataclass(frozen=True)
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answer: asyncio.Future[Answer] = field(default_factory=asyncio.Future)


class MicroBatcher(Generic[Asked, Answer]):
    """Requests one by one, answered in batches by `answer_all`, which runs one at a time.

    `answer_all` gives one answer a request, in their order; what it raises, all of its batch get.
    """

    def __init__(
        self,
        answer_all: Callable[[list[Asked]], Awaitable[list[Answer]]],
        largest_batch: int,
        most_waiting: int,
    ) -> None:
        self._answer_all, self._largest_batch = answer_all, largest_batch
        self._queue: asyncio.Queue[_Waiting[Asked, Answer]] = asyncio.Queue(most_waiting)

    @property
    def waiting(self) -> int:
        """Requests that no call has taken yet."""
        return self._queue.qsize()

    async def ask(self, asked: Asked) -> Answer:
        """The answer to one request. Raises OverloadedError where too many wait already."""
        waiting: _Waiting[Asked, Answer] = _Waiting(asked)
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull:
            raise OverloadedError from None
        return await waiting.answer

    async def run(self) -> None:
        """Answer whatever is asked, until cancelled."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < self._largest_batch and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            # Who hung up or ran out of time has cancelled, and costs nothing more.
            await self._answer([waiting for waiting in batch if not waiting.answer.done()])

    async def _answer(self, batch: list[_Waiting[Asked, Answer]]) -> None:
        if not batch:
            return
        try:
            answers = await self._answer_all([waiting.asked for waiting in batch])
        except Exception as error:  # noqa: BLE001 (theirs to report: the next batch may go well)
            for waiting in batch:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
