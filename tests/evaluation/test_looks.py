"""Every set of models that is ranked on test is counted once, by the logs' own targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from slmrec.core.files import read_json
from slmrec.evaluation.contestants import Contestant
from slmrec.evaluation.evaluator import ParameterCounts
from slmrec.evaluation.looks import looks_line, note_look
from slmrec.ranking.scorers import ModelScorer
from tests.evaluation.test_contestants import ITEMS, RING, P, sasrec
from tests.support.histories import ring_histories

LINE = "test of these logs was looked at {}"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def models(folder: Path, weights: str) -> dict[str, Contestant]:
    """One contestant whose folder holds these weights."""
    folder.mkdir(exist_ok=True)
    (folder / "weights").write_text(weights)
    model = sasrec(1)
    return {"sasrec": Contestant(ModelScorer(model, RING), ParameterCounts.of(model), [folder])}


def test_only_new_models_and_settings_count(tmp_path: Path) -> None:
    first = models(tmp_path / "first", "1")
    assert note_look(RING, first, P) == LINE.format("1 time")
    assert note_look(RING, first, P) == LINE.format("1 time")  # a rerun
    moved = models(tmp_path / "moved", "1")
    assert note_look(RING, moved, P) == LINE.format("1 time")  # the same weights elsewhere
    assert note_look(RING, models(tmp_path / "first", "2"), P) == LINE.format("2 times")
    other = P.model_copy(update={"negatives": 4})
    assert note_look(RING, first, other) == LINE.format("3 times")
    assert note_look(RING, moved, P) == LINE.format("3 times")  # known from before


def test_other_test_targets_have_a_count_of_their_own(tmp_path: Path, cache: Path) -> None:
    contestants = models(tmp_path / "models", "1")
    note_look(RING, contestants, P)
    other = ring_histories(81, ITEMS - 2, 8)
    assert note_look(other, contestants, P) == LINE.format("1 time")
    # validation targets are free to be looked at, and are no part of the key
    targets = {**RING.targets, "valid": RING.targets["test"]}
    again = replace(RING, targets=targets)
    assert note_look(again, models(tmp_path / "models", "2"), P) == LINE.format("2 times")
    counts = sorted(len(read_json(path)["looks"]) for path in (cache / "test_looks").iterdir())
    assert counts == [1, 2]


def test_without_histories_nothing_is_said(tmp_path: Path) -> None:
    assert looks_line(tmp_path / "histories") == ""
