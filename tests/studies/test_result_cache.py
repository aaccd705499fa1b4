"""A result of a study is computed once for its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.studies.result_cache import ResultCache
from tests.support.damage import flip_one_bit


def test_a_result_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    figures = iter([0.5])  # there is no second one to compute
    for _ in range(2):
        cache = ResultCache("any", "key")
        assert cache.get_or_compute("one", lambda: {"figure": next(figures)}) == {"figure": 0.5}


def test_another_key_or_study_has_results_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    caches = [ResultCache("a", "key"), ResultCache("a", "other"), ResultCache("b", "key")]
    figures = iter([1, 2, 3])
    results = [cache.get_or_compute("one", lambda: next(figures)) for cache in caches]
    assert results == [1, 2, 3]


def test_a_computation_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    cache = ResultCache("any", "key")

    def fail() -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        cache.get_or_compute("one", fail)
    assert cache.get_or_compute("one", lambda: 2) == 2


def test_a_damaged_result_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLMREC_CACHE", str(tmp_path))
    cache = ResultCache("any", "key")
    cache.get_or_compute("one", lambda: {"ndcg@10": 0.25})
    flip_one_bit(cache.folder / "one.json")
    assert cache.get_or_compute("one", lambda: {"ndcg@10": 0.25}) == {"ndcg@10": 0.25}
    (line,) = capsys.readouterr().out.splitlines()
    assert "one.json is damaged and is left out" in line
