"""The process that times training steps."""

from __future__ import annotations

import sys

import pytest

from slmrec.core.errors import UnavailableError
from slmrec.init.cost.trial_settings import run_trial, text_width
from tests.init.cost.test_trial import small_trial


def test_a_title_has_the_numbers_of_all_its_encoders() -> None:
    assert text_width("none") == 0
    assert text_width({"encoders": ["minilm", "smollm2-words"]}) == 384 + 576


def test_a_failed_trial_is_a_line_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(UnavailableError, match="timed training steps failed"):
        run_trial(small_trial())
