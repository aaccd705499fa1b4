"""Some rows of a file by column, whatever the format: what the roles of columns are found from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

TEXT, NUMBER, TIME, LIST, OBJECTS, OBJECT, BOOLEAN = (
    *("text", "number", "time", "list", "objects", "object", "boolean"),
)
SCALARS = (TEXT, NUMBER, TIME)  # kinds whose values can be ids, times or weights
HEAD_ROWS, PART_ROWS = 12_000, 2_000  # taken from the start of a file and from each later part
FOLDS = 0.3  # share of rows that two files have in common, from which on they are no parts
UNKNOWN = (None, "", "nan", "NaN", "NULL", "null", "None", "NA", "N/A", "\\N")


@dataclass(frozen=True)
class SampledColumn:
    """A column's name, kind and values as text, None where there is none.

    `items` holds the elements of a list in each row; `keys` those of objects, to be named.
    """

    name: str
    kind: str
    values: list[str | None]
    items: list[list[str]] = field(default_factory=list)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """How a file is laid out, in the words of params.yaml; `rows` is about how many it has."""

    format: str  # parquet, csv, tsv, jsonl or python_literal
    delimiter: str | None
    header: str  # first_line or none
    encoding: str
    rows: int


@dataclass(frozen=True)
class SampledTable:
    """A file's layout and some of its rows; `unclear` names what was undecided: a setting each."""

    layout: Layout
    columns: list[SampledColumn]
    bad_rows: int  # of the sample, that are no records
    complete: bool  # whether the sample holds every row
    unclear: tuple[str, ...] = ()
    exploded: str | None = None  # the key of a list of objects of which each became a row
    overlapping: bool = False  # whether its files repeat each other's rows, as folds do

    @property
    def rows(self) -> int:
        """Rows in the sample."""
        return len(self.columns[0].values) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> SampledColumn:
        """The column of a name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def joined(samples: list[SampledTable], files: int) -> SampledTable:
    """Samples of some of `files` files of one table, one below the other."""
    first = samples[0]
    if len(samples) == 1:
        return replace(first, layout=replace(first.layout, rows=first.layout.rows * files))
    columns = [_below(parts) for parts in zip(*(sample.columns for sample in samples), strict=True)]
    rows = sum(sample.layout.rows for sample in samples) * files // len(samples)
    encodings = [sample.layout.encoding for sample in samples]
    # ASCII is UTF-8 too: what any of the files needs, all are read with.
    encoding = next((name for name in encodings if name != "utf-8"), "utf-8")
    return SampledTable(
        replace(first.layout, rows=rows, encoding=encoding),
        columns,
        sum(sample.bad_rows for sample in samples),
        len(samples) == files and all(sample.complete for sample in samples),
        tuple(dict.fromkeys(key for sample in samples for key in sample.unclear)),
        first.exploded,
        overlap(samples[0], samples[-1]) > FOLDS,
    )


def overlap(left: SampledTable, right: SampledTable) -> float:
    """Share of the smaller sample's rows that the larger one has too."""
    rows, others = ({*zip(*_values(table), strict=True)} for table in (left, right))
    return len(rows & others) / max(min(len(rows), len(others)), 1)


def _values(table: SampledTable) -> list[list[str | None]]:
    return [column.values for column in table.columns]


def _below(parts: tuple[SampledColumn, ...]) -> SampledColumn:
    kinds = {part.kind for part in parts if any(value is not None for value in part.values)}
    return SampledColumn(
        parts[0].name,
        TEXT if kinds == {TEXT, NUMBER} else parts[0].kind,
        [value for part in parts for value in part.values],
        [row for part in parts for row in part.items],
        parts[0].keys,
    )


def text_column(name: str, fields: list[str]) -> SampledColumn:
    """A column of a delimited text; a number where all of its values are."""
    values = [None if value.strip() in UNKNOWN else value for value in fields]
    return SampledColumn(name, _kind_of_texts(values), values)


def object_column(name: str, raw: list[Any]) -> SampledColumn:
    """A column of values as JSON or Python holds them."""
    present = [value for value in raw if value is not None]
    lists = [value for value in present if isinstance(value, list | tuple)]
    if present and len(lists) > 0.5 * len(present):
        return _list_column(name, raw, lists)
    kinds = {type(value) for value in present}
    if kinds == {bool}:
        return SampledColumn(name, BOOLEAN, [_as_text(value) for value in raw])
    if any(isinstance(value, dict) for value in present):
        return SampledColumn(name, OBJECT, [None] * len(raw), keys=_keys(present))
    values = [None if (text := _as_text(value)) in UNKNOWN else text for value in raw]
    return SampledColumn(name, _kind_of_texts(values), values)


def _list_column(name: str, raw: list[Any], lists: list[Any]) -> SampledColumn:
    elements = [element for row in lists for element in row]
    blank: list[str | None] = [None] * len(raw)
    if elements and isinstance(elements[0], dict):
        return SampledColumn(name, OBJECTS, blank, keys=_keys(elements))
    items = [
        [str(element) for element in row] if isinstance(row, list | tuple) else [] for row in raw
    ]
    return SampledColumn(name, LIST, blank, items=items)


def _keys(values: list[Any]) -> tuple[str, ...]:
    first = [value for value in values[:100] if isinstance(value, dict)]
    return tuple(dict.fromkeys(str(key) for value in first for key in value))


def _as_text(value: Any) -> str | None:
    """Text of a scalar as prepare spells ids: whole floats without a point."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return str(value)


def _kind_of_texts(values: list[str | None]) -> str:
    present = [value for value in values if value is not None]
    numbers = sum(is_number(value) for value in present)
    return NUMBER if present and numbers >= 0.99 * len(present) else TEXT


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    try:
        number = float(text)
    except ValueError:
        return False
    return abs(number) != float("inf") and number == number
