"""The page of a search: one file that loads nothing, the same for the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slmrec.core.html_page import page_template
from slmrec.tuning import charts
from slmrec.tuning.outcome import Outcome
from slmrec.tuning.report import UNTOUCHED, distillation_line, figure, short, unreached_line

PAGE = Path(__file__).with_name("page.html.jinja")


def make_page(outcomes: Sequence[Outcome]) -> str:
    """HTML of what was found: best settings, importance, trials and their cost."""
    return page_template(PAGE).render(
        outcomes=outcomes,
        untouched=UNTOUCHED,
        distillation=distillation_line(outcomes),
        unreached=unreached_line(outcomes),
        charts=charts,
        figure=figure,
        short=short,
    )
