"""The page of a search: one file that loads nothing, the same for the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from slmrec.tuning import charts
from slmrec.tuning.outcome import Outcome
from slmrec.tuning.report import UNTOUCHED, distillation_line, figure, short, unreached_line


def make_page(outcomes: Sequence[Outcome]) -> str:
    """HTML of what was found: best settings, importance, trials and their cost."""
    return _template().render(
        outcomes=outcomes,
        untouched=UNTOUCHED,
        distillation=distillation_line(outcomes),
        unreached=unreached_line(outcomes),
        charts=charts,
        figure=figure,
        short=short,
    )


def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.jinja")
