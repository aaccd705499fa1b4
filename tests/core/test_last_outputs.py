"""Outputs can be brought back where dvc.lock names them and DVC's cache holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.last_outputs import has_last_outputs

DIGEST = "0123456789abcdef0123456789abcdef.dir"
LOCK = f"schema: '2.0'\nstages:\n  copy:\n    outs:\n    - path: out\n      md5: {DIGEST}\n"


def keep(cache_dir: Path) -> None:
    path = cache_dir / "files" / "md5" / DIGEST[:2] / DIGEST[2:]
    path.parent.mkdir(parents=True)
    path.write_text("[]")


def test_outputs_that_the_lock_names_and_the_cache_holds_come_back(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK)
    assert not has_last_outputs("copy", tmp_path), "as in a fresh clone: nothing in the cache"
    keep(tmp_path / ".dvc" / "cache")
    assert has_last_outputs("copy", tmp_path)
    assert not has_last_outputs("paste", tmp_path)


def test_the_cache_lies_where_the_configuration_says(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(LOCK)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    (tmp_path / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {tmp_path}/big disk\n")
    assert not has_last_outputs("copy", tmp_path)
    keep(tmp_path / "big disk")
    assert has_last_outputs("copy", tmp_path)


@pytest.mark.parametrize(
    "content", [None, "", "stages: [", "stages: {copy: {cmd: x}}", "\ufeff: ["]
)
def test_a_lock_that_is_absent_or_damaged_brings_nothing_back(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    assert not has_last_outputs("copy", tmp_path)
