"""What to do about bad rows: the setting that would read them, where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from slmrec.params.prepare import TIME_FORMATS, PrepareParams
from slmrec.preprocessing.events.faults import A_LIST, TIME_FAULTS
from slmrec.preprocessing.events.timestamps import parse_time
from slmrec.preprocessing.events.typed_columns import TICK_US, as_us

# Layouts of times that logs are often written in, besides TIME_FORMATS.
PATTERNS = (
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y%m%d%H%M%S",
    "%m %d, %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
)
MOST_OF_A_COUNT = 10_000_000  # as seconds it is April 1970
READ_SHARE = 0.9  # of the examples that a format must read to be named
MOST = 0.5  # share of bad rows from which a setting is wrong rather than some rows
RAISE = "mend the logs, or raise prepare.max_quarantine_share in params.yaml"


@dataclass(frozen=True)
class BadRows:
    """Bad rows of one file, or of all files of a source, that a message is about."""

    source: str  # events or items
    reasons: Counter[str]
    rows: int  # of the same files, good or bad
    share_of_source: float  # of all rows of the source that are bad
    values: Callable[[str], pl.Series]  # what stood in the wrong field, by reason


def advise(bad: BadRows, p: PrepareParams) -> str:
    """What to do about bad rows, as the end of a message."""
    is_most = bad.reasons.total() >= MOST * bad.rows
    setting = _setting(bad, is_most, p)
    if setting:
        return setting
    if not is_most:
        return RAISE
    return f"mend the logs, or what prepare.{bad.source} in params.yaml says of them"


def _setting(bad: BadRows, is_most: bool, p: PrepareParams) -> str:
    """The setting that would read most of the bad rows, "" where none is known."""
    worst, _ = bad.reasons.most_common(1)[0]
    if worst in TIME_FAULTS:
        times = bad.values(worst)
        return time_advice(times, p) if bad.share_of_source >= MOST else _odd_times(times, p)
    if worst.startswith("not "):
        return (
            f"if the text is in another encoding, set prepare.{bad.source}.encoding in "
            "params.yaml, such as latin-1 or cp1252"
        )
    if worst == "malformed line" and is_most:
        return (
            f"see whether format, delimiter and header of prepare.{bad.source} in params.yaml "
            "are those of the file"
        )
    if worst == f"item is {A_LIST}" and bad.source == "events" and p.events.lists == "refuse":
        return "set prepare.events.lists: explode to read each list as events in its order"
    return ""


def _odd_times(times: pl.Series, p: PrepareParams) -> str:
    """What to do about times that are written in another format than most are."""
    formats = fitting_formats(times, p)
    if not formats:
        return ""
    return f"these are {_named(formats)}, and most times are not: write all of them alike"


def time_advice(times: pl.Series, p: PrepareParams) -> str:
    """The format that would read `times` (text), "" where none of those known does."""
    formats = fitting_formats(times, p)
    if not formats:
        return _clock_advice(times, p)
    named = _named(formats)
    return f"set prepare.events.time_format: {named} in params.yaml, which reads such times"


def _named(formats: list[str]) -> str:
    return " or ".join(f'"{name}"' if "%" in name else name for name in formats)


def _clock_advice(times: pl.Series, p: PrepareParams) -> str:
    """What to set where the times are numbers of orders or rows and no times at all."""
    numbers = times.drop_nulls().cast(pl.Int64, strict=False)
    columns = p.events.columns
    is_epoch = p.events.time_format in TICK_US
    if columns.time is None or not is_epoch or not len(numbers) or numbers.null_count():
        return ""
    if not numbers.is_between(0, MOST_OF_A_COUNT).all():
        return ""
    names = [columns.time, *(name for name in columns.sequences if name != columns.time)]
    named = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    return (
        f"if column {columns.time} counts orders or events and is no time, set "
        f"prepare.events.columns.time: null and sequence: {named} in params.yaml (and "
        "split.method: leave_one_out)"
    )


def fitting_formats(times: pl.Series, p: PrepareParams) -> list[str]:
    """The formats that read nearly all `times` (text) as between earliest and latest.

    None or one, but for two patterns that tell days from months in no example.
    """
    texts = times.drop_nulls()
    if not len(texts):
        return []
    first, last = parse_time(p.earliest), parse_time(p.latest)

    def fits(name: str) -> bool:
        is_read = as_us(texts, name).is_between(first, last)
        return name != p.events.time_format and int(is_read.sum()) >= READ_SHARE * len(texts)

    named = next((name for name in TIME_FORMATS if fits(name)), None)
    if named is not None:
        return [named]
    return [name for name in PATTERNS if fits(name)][:2]
