"""A batch is answered as its requests would be one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from examples.service.model import MOST_IDS, MOST_ITEMS, Asked, answer_all, open_model
from slmrec.runtime import Recommender
from tests.support.bundles import make_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "bundle")


def test_requests_of_one_call_get_the_lists_that_each_would_get_alone(bundle: Path) -> None:
    batch = [
        Asked(history=["i5", "i9", "i3"], k=3),
        Asked(history=["i5", "i9", "i3"], k=5, exclude=["i11", "i12"], exclude_seen=False),
        Asked(history=["nowhere", "i4"], k=1, exclude=["elsewhere"]),
        Asked(history=[], k=MOST_ITEMS),
    ]
    recommender = Recommender(bundle, "cpu", 1)
    answers = answer_all(open_model(bundle, 1)(), batch)
    for asked, answer in zip(batch, answers, strict=True):
        (alone,) = recommender.recommend(
            [asked.history],
            min(asked.k, recommender.largest_k),
            asked.exclude_seen,
            [asked.exclude],
            "ignore",
        )
        assert [item.item for item in answer.items] == [item.item for item in alone]
        scores = [item.score for item in alone]
        assert [item.score for item in answer.items] == pytest.approx(scores, rel=1e-5)
    assert [answer.unknown for answer in answers] == [0, 0, 1, 0]
    assert {answer.version for answer in answers} == {"bundle"}


@pytest.mark.parametrize(
    "asked",
    [
        {"k": 3},
        {"history": ["i2"] * (MOST_IDS + 1)},
        {"history": ["i" * 257]},
        {"history": [2]},
        {"history": "i2"},
        {"history": [], "k": 0},
        {"history": [], "k": MOST_ITEMS + 1},
        {"history": [], "k": 2.0},
        {"history": [], "exclude": None},
        {"history": [], "kk": 3},
    ],
    ids=str,
)
def test_what_is_out_of_bounds_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Asked.model_validate(asked)
