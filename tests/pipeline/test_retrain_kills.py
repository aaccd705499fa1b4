"""Wherever a retraining is killed, the next run ends as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.retrain_kills import kill_at_random

KILLS, SEED = 3, 1


@pytest.mark.acceptance
def test_the_next_run_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    for kill in kill_at_random(tmp_path, KILLS, SEED):
        assert kill.faults == [], kill
        assert kill.reads, "nobody read meanwhile"
