"""What a service showed and what was clicked: one small table, in Parquet, CSV or JSON lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError, UsageError

USER, TIME, ITEMS, CLICKED = "user", "time", "items", "clicked"
HISTORY, VERSION, ITEM = "history", "version", "item"
MOMENT = pl.Datetime("us", "UTC")
LISTS = pl.List(pl.String)
TEXT = pl.String()
TABLE: dict[str, pl.DataType] = {
    USER: TEXT,
    TIME: MOMENT,
    ITEMS: LISTS,
    CLICKED: TEXT,
    HISTORY: LISTS,
}
REQUIRED = (USER, TIME, ITEMS)
EVENTS: dict[str, pl.DataType] = {USER: TEXT, TIME: MOMENT, ITEM: TEXT}
WORDS = {MOMENT: "time", LISTS: "list of items", TEXT: "text"}
BETWEEN = "|"  # items of a list, in a field of CSV
ZONE = r"(Z|[+-]\d\d:?\d\d)$"  # at the end of ISO text
READERS = {
    ".parquet": pl.read_parquet,
    ".csv": lambda path: pl.read_csv(path, infer_schema=False),
    ".jsonl": lambda path: pl.read_ndjson(path, infer_schema_length=None),
}


def read_served(path: Path, version: str) -> pl.DataFrame:
    """Every list that was served, in order of time, as TABLE says; a file, or all of a folder.

    Where the table has a column `version`, only rows of that version count. `clicked` and
    `history` are null where the table does not have them. Raises UsageError where nothing lies
    there and DataError for a table that cannot be read.
    """
    frame = _read(path, TABLE | {VERSION: TEXT}, REQUIRED)
    frame = frame.filter(pl.col(VERSION).is_null() | (pl.col(VERSION) == version))
    if frame.is_empty():
        raise DataError(f"{path} holds no list that {version} served; name another log")
    return frame.select(*TABLE).sort(TIME, maintain_order=True)


def with_clicks(served: pl.DataFrame, clicks: Path, within_hours: float) -> pl.DataFrame:
    """The same with `clicked` from a table of events beside it: user, time, item.

    An event belongs to the last list that its user had seen by then, at most so many hours before;
    of several the first counts. Raises what `read_served` raises.
    """
    events = _read(clicks, EVENTS, EVENTS)
    numbered = served.with_row_index("row")
    first = (
        events.rename({TIME: "at"})
        .sort("at", maintain_order=True)
        .join_asof(
            numbered.select("row", USER, TIME),
            left_on="at",
            right_on=TIME,
            by=USER,
            strategy="backward",
            tolerance=f"{round(within_hours * 3600)}s",
            check_sortedness=False,  # both were sorted just now
        )
        .drop_nulls("row")
        .group_by("row", maintain_order=True)
        .agg(pl.col(ITEM).first().alias(CLICKED))
    )
    return numbered.drop(CLICKED).join(first, on="row", how="left").select(*TABLE)


def _read(path: Path, schema: Mapping[str, pl.DataType], required: Collection[str]) -> pl.DataFrame:
    """All files with the columns of a schema; those that need not be there may be null."""
    frames = []
    for file in _files(path):
        frame = _read_file(file, required)
        columns = [_column(frame, name, schema[name], file) for name in schema]
        for values in columns:
            if values.name in required and (gaps := values.null_count()):
                raise DataError(
                    f"{file}: column {values.name} is empty in {gaps:,} of {len(values):,} rows"
                )
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError(f"{path} is missing; name a table of served lists, or a folder of them")
    if path.is_file():
        return [path]
    if files := sorted(file for file in path.rglob("*") if file.suffix in READERS):
        return files
    raise UsageError(f"{path} holds no file of {', '.join(READERS)}")


def _read_file(file: Path, required: Collection[str]) -> pl.DataFrame:
    if file.suffix not in READERS:
        raise UsageError(f"{file} is of no kind that is read: {', '.join(READERS)}")
    try:
        frame: pl.DataFrame = READERS[file.suffix](file)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = (str(error).splitlines() or ["it cannot be read"])[0]
        raise DataError(f"{file} is no such table: {first}") from error
    if missing := [name for name in required if name not in frame.columns]:
        raise DataError(
            f"{file} has no column {missing[0]}, it has {', '.join(frame.columns)}; "
            f"expected {', '.join(required)} (docs/operations.md)"
        )
    return frame


def _column(frame: pl.DataFrame, name: str, wanted: pl.DataType, file: Path) -> pl.Series:
    """A column as it is wanted; nulls where there is none. Raises DataError."""
    if name not in frame.columns:
        return pl.Series(name, [None] * len(frame), wanted)
    try:
        return _cast(frame[name], wanted)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{file}: column {name} is no {WORDS[wanted]}: {first}") from error


def _cast(values: pl.Series, wanted: pl.DataType) -> pl.Series:
    if wanted == LISTS:
        if values.dtype == pl.String:
            values = values.str.split(BETWEEN).list.eval(pl.element().filter(pl.element() != ""))
        return values.cast(LISTS)
    return _moments(values) if wanted == MOMENT else values.cast(wanted)


def _moments(values: pl.Series) -> pl.Series:
    """Dates, ISO text (UTC where it names no zone), or seconds since 1970."""
    if values.dtype == pl.String:
        seconds = values.cast(pl.Float64, strict=False)
        if seconds.null_count() > values.null_count():
            return _from_text(values)
        values = seconds
    if values.dtype.is_numeric():
        microseconds = (values.cast(pl.Float64) * 1e6).round().cast(pl.Int64)
        return microseconds.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    zone = getattr(values.dtype, "time_zone", None)
    moments = values.cast(pl.Datetime("us", zone))
    return moments.dt.convert_time_zone("UTC") if zone else moments.dt.replace_time_zone("UTC")


def _from_text(values: pl.Series) -> pl.Series:
    whole = pl.concat_str(
        pl.col(TIME),
        pl.when(~pl.col(TIME).str.contains(":")).then(pl.lit("T00:00:00")).otherwise(pl.lit("")),
    )
    zoned = pl.when(whole.str.contains(ZONE)).then(whole).otherwise(whole + "Z")
    text = values.rename(TIME).str.strip_chars().str.replace(" ", "T", literal=True).to_frame()
    return text.select(zoned.str.to_datetime("%+", time_unit="us", time_zone="UTC")).to_series()
