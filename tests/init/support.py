"""What the tests of init share: columns and tables of given values, statistics, facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slmrec.init.columns.catalogues import Table, profile_table
from slmrec.init.columns.profiles import Profile
from slmrec.init.facts import Extras, Facts, Plan
from slmrec.init.log_statistics import LogStatistics
from slmrec.init.samples.file_groups import FileTable
from slmrec.init.samples.raw_files import RawFile
from slmrec.init.samples.sampled_table import Layout, SampledTable, text_column

# As the figures of amazon-beauty-2014 and steam-100k are.
BEAUTY = LogStatistics(
    events=198_215,
    users=22_332,
    items=12_086,
    read_share=1.0,
    bad_share=0.0,
    lengths=(6, 9, 14, 21, 32),
    single_event_users=0.0,
    repeats=0.0,
    ties=0.58,
    top_item=0.002,
    lifespan_days=365.5,
    late_users_known=0.62,
    late_with_history=0.86,
    busiest_day=11.0,
    unusual_days=0.0,
    listed=1.0,
    titled=1.0,
)
STEAM = replace(
    BEAUTY,
    events=126_824,
    users=10_369,
    items=3_593,
    lengths=(8, 12, 21, 32, 54),
    repeats=0.021,
    late_users_known=0.865,
    late_with_history=0.974,
)
EVERYTHING, NOTHING = Extras(text=True, llm=True), Extras(text=False, llm=False)
SCRATCH = Plan(pretrained=False, members=2, teacher_layers=8, epochs=1.0)


def facts(
    logs: LogStatistics = BEAUTY,
    plan: Plan = SCRATCH,
    extras: Extras = EVERYTHING,
    titles: bool = True,
    clock: bool = True,
    **changes: Any,
) -> Facts:
    """Facts of such logs, with other figures where `changes` name them."""
    return Facts(replace(logs, **changes), clock, titles, extras, plan)


def profile(name: str, values: Sequence[object]) -> Profile:
    """The profile of a column of text."""
    return Profile(text_column(name, ["" if value is None else str(value) for value in values]))


def table(name: str, header: str = "first_line", **columns: Sequence[object]) -> Table:
    """A table of csv that was read whole, of the file `name`."""
    made = [profile(column, values).column for column, values in columns.items()]
    rows = len(made[0].values)
    layout = Layout("csv", None, header, "utf-8", rows)
    file = RawFile(Path(name), name, 1, "")
    return profile_table(FileTable((file,), (name,), SampledTable(layout, made, 0, True)))
