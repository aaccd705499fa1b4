"""Requests are answered together where they come together, and each gets its own answer."""

from __future__ import annotations

import asyncio

import pytest

from examples.service.batching import MicroBatcher, OverloadedError


class Doubler:
    """Doubles numbers once the gate is open, and notes its batches; 13 fails."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, batch: list[int]) -> list[int]:
        self.batches.append(batch)
        await self.gate.wait()
        if 13 in batch:
            raise ValueError("unlucky")
        return [2 * number for number in batch]


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_what_arrives_during_a_call_is_answered_by_the_next_one() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, largest_batch=3, most_waiting=10)
        running = asyncio.create_task(batcher.run())
        asks = [asyncio.create_task(batcher.ask(1))]
        await settle()
        asks += [asyncio.create_task(batcher.ask(number)) for number in (2, 3, 4, 5)]
        await settle()
        assert batcher.waiting == 4
        doubler.gate.set()
        assert await asyncio.gather(*asks) == [2, 4, 6, 8, 10]
        assert doubler.batches == [[1], [2, 3, 4], [5]]
        running.cancel()

    asyncio.run(scenario())


def test_who_hung_up_costs_no_call() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, largest_batch=1, most_waiting=10)
        running = asyncio.create_task(batcher.run())
        asks = [asyncio.create_task(batcher.ask(number)) for number in (1, 2, 3)]
        await settle()
        asks[1].cancel()
        asks[0].cancel()  # it is being answered already
        await settle()
        doubler.gate.set()
        assert await asks[2] == 6
        assert doubler.batches == [[1], [3]]
        running.cancel()

    asyncio.run(scenario())


def test_a_batch_that_fails_fails_alone() -> None:
    async def scenario() -> None:
        doubler = Doubler()
        batcher = MicroBatcher(doubler, largest_batch=2, most_waiting=10)
        doubler.gate.set()
        running = asyncio.create_task(batcher.run())
        asks = (batcher.ask(number) for number in (1, 13, 4))
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert [str(answer) for answer in answers] == ["unlucky", "unlucky", "8"]
        running.cancel()

    asyncio.run(scenario())


def test_more_than_may_wait_are_told_at_once() -> None:
    async def scenario() -> None:
        batcher = MicroBatcher(Doubler(), largest_batch=1, most_waiting=2)
        asks = [asyncio.create_task(batcher.ask(number)) for number in (1, 2)]
        await settle()
        with pytest.raises(OverloadedError):
            await batcher.ask(3)
        for ask in asks:
            ask.cancel()

    asyncio.run(scenario())
