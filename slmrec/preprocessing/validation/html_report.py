"""The page of `validate`: checks, drift, quarantine and charts in one file that loads nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from slmrec.core.html_page import page_template
from slmrec.preprocessing.validation import charts
from slmrec.preprocessing.validation.drift import Shift
from slmrec.preprocessing.validation.profile import Profile
from slmrec.preprocessing.validation.suite import CheckResult

PAGE = Path(__file__).with_name("page.html.jinja")
EXAMPLES = 5  # quarantined rows shown for each reason
Reason = tuple[str, int, list[dict[str, object]]]  # the reason, its rows, and some of them


def read_examples(events_dir: Path) -> pl.DataFrame:
    """Some quarantined rows of each reason, as tables.QUARANTINE."""
    rows = pl.scan_parquet(events_dir / "quarantine.parquet").group_by("reason").head(EXAMPLES)
    return rows.sort("reason", "file", "row").collect()


def make_page(
    profile: Profile,
    results: list[CheckResult],
    shifts: list[Shift] | None,
    examples: pl.DataFrame,
) -> str:
    """HTML of the page, the same for the same results; `examples` are those of `read_examples`."""
    return page_template(PAGE).render(
        profile=profile,
        results=results,
        shifts=shifts,
        reasons=_reasons(profile, examples),
        charts=charts.charts_of(profile),
        frame=charts,
    )


def _reasons(profile: Profile, examples: pl.DataFrame) -> list[Reason]:
    """Reasons of the quarantine, the most frequent first."""
    counts = sorted(profile.quarantined.items(), key=lambda count: (-count[1], count[0]))
    return [
        (reason, rows, examples.filter(pl.col("reason") == reason).to_dicts())
        for reason, rows in counts
    ]
