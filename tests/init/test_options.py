"""The options of `slmrec init`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from slmrec.core.errors import UsageError
from slmrec.init import command
from slmrec.init.answers import Answers
from slmrec.init.command import Options
from slmrec.init.options import init, minutes_of


@pytest.mark.parametrize(
    ("text", "minutes"), [("45m", 45.0), ("2h", 120.0), ("1h30m", 90.0), ("30", 30.0)]
)
def test_budgets_are_minutes_and_hours(text: str, minutes: float) -> None:
    assert minutes_of(text) == minutes


@pytest.mark.parametrize("text", ["", "soon", "5d"])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="45m, 2h or 1h30m"):
        minutes_of(text)


def test_options_become_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Path, Answers, Options]] = []
    monkeypatch.setattr(command, "run", lambda *words: calls.append(words))
    app = typer.Typer()
    app.command()(init)

    words = ["logs", "--user", "u", "--type", "none", "--items-header", "none", "--yes"]
    outcome = CliRunner().invoke(app, [*words, "--budget", "1h", "--no-estimate"])

    assert outcome.exit_code == 0, outcome.output
    answers = Answers(user="u", type="none", items_header="none")
    assert calls == [(Path("logs"), answers, Options(True, 60.0, False))]
