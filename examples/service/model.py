"""The model behind the service: a batch of requests in one call, by one version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from slmrec.runtime import Recommender
from slmrec.runtime.bundle import MANIFEST
from slmrec.runtime.follow import Loaded

MOST_IDS, MOST_ITEMS, LONGEST_ID = 1000, 100, 256
LOOK_EVERY = 5.0  # seconds between looks at the registry's pointer
ItemId = Annotated[str, StringConstraints(max_length=LONGEST_ID)]


class Asked(BaseModel):
    """What a caller sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    history: list[ItemId] = Field(max_length=MOST_IDS)  # oldest first
    k: int = Field(10, ge=1, le=MOST_ITEMS, strict=True)
    exclude: list[ItemId] = Field([], max_length=MOST_IDS)
    exclude_seen: bool | None = None  # None for what the contract says


class Item(BaseModel):
    """One item of an answer."""

    item: str
    title: str | None
    score: float


class Answer(BaseModel):
    """What a caller gets."""

    version: str  # of the bundle that answered
    items: list[Item]  # best first; fewer than k where no more candidates are left
    unknown: int  # ids of the history that the bundle does not know, read as the unknown item


def open_model(path: Path, threads: int) -> Callable[[], Loaded]:
    """What gives the version in use: of a registry the one it points to, or a bundle for ever."""
    if (path / MANIFEST).exists():
        fixed = Loaded(path.name, Recommender.load(path, "cpu", threads))
        return lambda: fixed
    following = Recommender.follow(path, "cpu", threads, LOOK_EVERY)
    return lambda: following.loaded


def answer_all(loaded: Loaded, batch: Sequence[Asked]) -> list[Answer]:
    """Answers to a batch of requests, each as if it had been asked alone but for scores' last bits.

    They share one call: of the longest list that anybody wants, which begins with the shorter ones,
    and with what each leaves out as exclusions.
    """
    recommender = loaded.recommender
    by_contract = recommender.contract["exclude_seen"]
    exclude = [
        [*asked.exclude, *(asked.history if _or(asked.exclude_seen, by_contract) else [])]
        for asked in batch
    ]
    k = min(max(asked.k for asked in batch), recommender.largest_k)
    histories = [asked.history for asked in batch]
    lists = recommender.recommend(histories, k, False, exclude, unknown="ignore")
    known = recommender.items.index
    return [
        Answer(
            version=loaded.version,
            items=[Item(**item._asdict()) for item in best[: asked.k]],
            unknown=sum(item not in known for item in asked.history),
        )
        for asked, best in zip(batch, lists, strict=True)
    ]


def _or(value: bool | None, otherwise: bool) -> bool:
    return otherwise if value is None else value
