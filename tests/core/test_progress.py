"""Progress is a bar on a terminal, and a line now and then elsewhere."""

from __future__ import annotations

import sys
import time

import pytest

from slmrec.core.progress import SECONDS_BETWEEN_LINES, Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the code reads, in a list that a test may change."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_without_a_terminal_a_line_comes_only_after_half_a_minute(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("teacher", 10) as progress:
        progress.step(1, {"ranking": 2.0})
        clock[0] += SECONDS_BETWEEN_LINES
        progress.step(2, {"ranking": 1.5})
        assert capsys.readouterr().out == ""
        clock[0] += 1
        progress.step(3, {"ranking": 1.25, "cosine": 0.5})
        assert capsys.readouterr().out == "teacher: 3/10 ranking 1.2500 cosine 0.5000\n"
        progress.step(4, {})
        assert capsys.readouterr().out == ""


def test_a_line_that_was_asked_for_comes_at_once_and_starts_the_waiting_again(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress("teacher", 10) as progress:
        clock[0] += SECONDS_BETWEEN_LINES + 1
        progress.line("epoch 1/2")
        progress.step(5, {})
    assert capsys.readouterr().out == "teacher: epoch 1/2\n"


def test_on_a_terminal_there_is_a_bar_that_shows_what_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with Progress("teacher", 10) as progress:
        assert progress.bar is not None
        progress.step(7, {"ranking": 2.0})
        assert progress.bar.tasks[0].completed == 7
        assert progress.bar.tasks[0].description == "teacher ranking 2.0000"
        progress.line("epoch 1/2")
    assert "teacher: epoch 1/2" in capsys.readouterr().out
