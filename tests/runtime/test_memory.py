"""Peak memory is this process's, and unknown where the system does not tell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slmrec.runtime import memory
from slmrec.runtime.memory import peak_mib


@pytest.mark.skipif(not memory.STATUS.is_file(), reason="needs Linux")
def test_memory_that_was_taken_is_counted() -> None:
    before = peak_mib()
    taken = bytearray(200 * 2**20)
    taken[:: 2**12] = b"x" * len(taken[:: 2**12])  # every page is touched
    after = peak_mib()
    assert before and after and after >= 200
    del taken
    assert peak_mib() == pytest.approx(after, rel=0.1)  # it was the peak all the same


@pytest.mark.parametrize("status", ["Name: python\n", None])
def test_where_the_system_does_not_tell_there_is_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str | None
) -> None:
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    monkeypatch.setattr(sys, "platform", "win32")
    if status:
        (tmp_path / "status").write_text(status)
    assert peak_mib() is None
