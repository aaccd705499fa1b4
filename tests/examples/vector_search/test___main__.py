"""The example as a person calls it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from examples.vector_search import __main__ as program
from examples.vector_search.collection import search
from slmrec.runtime import UserTower


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["vector_search", *words])
    program.main()


def test_it_prints_the_list_of_a_history(
    vector_bundle: Path,
    filled: QdrantClient,
    tower: UserTower,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    call(monkeypatch, str(vector_bundle), "--history", "i5,i9", "-k", "3")
    rows = [
        line.split() for line in capsys.readouterr().out.splitlines() if re.match(r" *\d+  ", line)
    ]
    expected = search(filled, tower, ["i5", "i9"], 3, None)
    assert [row[2] for row in rows] == [(point.payload or {})["item"] for point in expected]


def test_what_is_no_bundle_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="is no bundle: it has no MANIFEST"):
        call(monkeypatch, str(tmp_path), "--history", "i5")
