"""A cold start is a process of its own, measured step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmrec.core.errors import BundleError
from slmrec.runtime.cold_start import measure_cold_start
from slmrec.runtime.memory import STATUS


def test_the_steps_of_a_new_process_are_measured(exported_bundle: Path) -> None:
    figures = measure_cold_start(exported_bundle, "cpu", 1)
    steps = [figures[f"{name}_seconds"] or 0 for name in ("import", "load", "first_answer")]
    assert min(steps) > 0
    assert (figures["process_seconds"] or 0) > sum(steps)
    loaded, after = figures["loaded_mib"], figures["after_256_users_mib"]
    assert (loaded is not None and after is not None and after >= loaded) or not STATUS.is_file()


def test_a_process_that_fails_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"does not load in a new process: .*is no bundle") as it:
        measure_cold_start(tmp_path, "cpu", None)
    assert len(str(it.value).splitlines()) == 1
