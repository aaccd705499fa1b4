"""Rows of one text file: delimited, JSON lines or Python literals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from slmrec.core.errors import DataError
from slmrec.params.prepare import EventSource, ItemSource
from slmrec.preprocessing.logs.column_names import (
    check_columns,
    check_delimited,
    encoding_advice,
    names_without_header,
    parse_header,
    unique_names,
)
from slmrec.preprocessing.logs.delimited import Delimited, parse_delimited
from slmrec.preprocessing.logs.json_lines import is_path, json_record, parse_json
from slmrec.preprocessing.logs.python_literals import parse_python, python_record
from slmrec.preprocessing.logs.text_blocks import (
    SHOWN_CHARACTERS,
    Block,
    RowBatch,
    read_lines,
    undecoded_reason,
)
from slmrec.preprocessing.logs.values import PATH_MARK, Record, WantedValues, value_at

RECORDS_SHOWN = 100  # whose keys say what there is when a column is missing
Source = EventSource | ItemSource
ParseRecord = Callable[[str], Record | None]
RECORDS: dict[str, ParseRecord] = {"jsonl": json_record, "python_literal": python_record}


def read_text(
    path: Path, text_format: str, source: Source, wanted: list[str]
) -> Iterator[RowBatch]:
    """The wanted columns of a text file as strings, rows numbered from 1.

    Raises DataError when a column is missing, or when no line of the file gives a row.
    """
    reader = _records if text_format in RECORDS else _delimited
    bad_batches: list[RowBatch] = []
    has_rows = False
    for batch in reader(path, text_format, source, wanted):
        has_rows |= len(batch.rows) > 0
        bad_batches.append(batch)
        if has_rows:
            yield from bad_batches
            bad_batches.clear()
    bad = [batch.bad for batch in bad_batches if len(batch.bad)]
    if bad:
        raise DataError(_no_row(path, text_format, source, pl.concat(bad)))


def _delimited(
    path: Path, text_format: str, source: Source, wanted: list[str]
) -> Iterator[RowBatch]:
    separator, quote = (",", '"') if text_format == "csv" else ("\t", None)
    form = Delimited(source.delimiter or separator, quote)
    blocks = read_lines(path, source.header == "first_line", source.encoding)
    first = next(blocks, None)
    if first is None:
        names = source.names or []
    elif source.header == "first_line":
        names = parse_header(first, form, path)
        first = None
    else:
        names = names_without_header(first, source.names, form, path)
    if first is not None or source.header == "first_line":
        check_delimited(path, source, wanted, names)
    yield from _parsed_blocks(_with_first(first, blocks), unique_names(names), wanted, form)


def _with_first(first: Block | None, blocks: Iterator[Block]) -> Iterator[Block]:
    if first is not None:
        yield first
    yield from blocks


def _parsed_blocks(
    blocks: Iterator[Block], names: list[str], wanted: list[str], form: Delimited
) -> Iterator[RowBatch]:
    """Rows of all blocks; a record that a block ends in is read with the next one."""
    rest: Block | None = None
    for block in blocks:
        if rest is not None:
            block = replace(rest, data=rest.data + block.data)
        parsed = parse_delimited(block, names, wanted, form, is_last=False)
        yield parsed.batch
        first = block.first + block.lines - parsed.rest.count(b"\n")
        rest = replace(block, data=parsed.rest, first=first) if parsed.rest else None
    if rest is not None:
        yield parse_delimited(rest, names, wanted, form).batch


def _records(path: Path, text_format: str, source: Source, wanted: list[str]) -> Iterator[RowBatch]:
    keys: list[str] = []
    values = _wanted_values(source, wanted)
    paths: frozenset[str] = frozenset()
    for block in read_lines(path, has_header=False, encoding=source.encoding):
        if not keys:
            records = _first_records(block, RECORDS[text_format])
            keys = sorted({key for record in records for key in record})
            paths = frozenset(name for name in wanted if is_path(name, keys))
            if keys:
                _check_keys(path, records, keys, wanted, paths)
                values = replace(values, exploded=_exploded_key(source, paths))
        if text_format == "jsonl":
            yield parse_json(block, values, paths)
        else:
            yield parse_python(block, values)


def _wanted_values(source: Source, wanted: list[str]) -> WantedValues:
    """An id is never a list, an object or a boolean; a list of events may be one in any column."""
    item = source.columns.item
    ids = {source.columns.user, item} if isinstance(source, EventSource) else {item}
    ids &= set(wanted)  # folders may give the others
    explodes = isinstance(source, EventSource) and source.lists == "explode"
    return WantedValues(wanted, frozenset(wanted if explodes else ids), frozenset(ids))


def _exploded_key(source: Source, paths: frozenset[str]) -> str | None:
    """The key of lists of objects that give an event each, where params ask for it."""
    explodes = isinstance(source, EventSource) and source.lists == "explode"
    item = source.columns.item
    return item.partition(PATH_MARK)[0] if explodes and item in paths else None


def _first_records(block: Block, parse_record: ParseRecord) -> list[Record]:
    lines = block.data.split(b"\n", RECORDS_SHOWN)[:RECORDS_SHOWN]
    return [parse_record(line.decode(errors="replace")) or {} for line in lines]


def _check_keys(
    path: Path, records: list[Record], keys: list[str], wanted: list[str], paths: frozenset[str]
) -> None:
    """Raise DataError when none of the first records has a wanted key or path."""
    present = [name for name in paths if any(_leads_somewhere(record, name) for record in records)]
    check_columns(path, wanted, [*keys, *sorted(present)])


def _leads_somewhere(record: Record, name: str) -> bool:
    value = value_at(record, name)
    return any(part is not None for part in value) if isinstance(value, list) else value is not None


def _no_row(path: Path, text_format: str, source: Source, bad: pl.DataFrame) -> str:
    """What is said of a file without any row."""
    row, reason, text = bad.row(0)
    advice = "deliver it again"
    first_line = _first_line(path, source)
    if reason == undecoded_reason(first_line.encoding):
        advice = encoding_advice(first_line.encoding)
    elif reason == "NUL byte":
        advice = "set encoding: utf-16-le (or utf-16-be) in params.yaml if it is text"
    elif reason == "malformed line":
        advice = _format_advice(text_format, first_line.data.decode(errors="replace").strip())
    shown = text[:SHOWN_CHARACTERS]
    return f"{path} gives no row: all {len(bad)} are bad (row {row}: {reason}, {shown!r}); {advice}"


def _first_line(path: Path, source: Source) -> Block:
    return next(read_lines(path, has_header=True, encoding=source.encoding))


def _format_advice(text_format: str, line: str) -> str:
    if text_format not in RECORDS:
        return "set delimiter, header or names in params.yaml"
    for name, parse_record in RECORDS.items():
        if name != text_format and parse_record(line) is not None:
            kind = "a Python literal" if name == "python_literal" else "JSON"
            return f"the first line is {kind}; set format: {name} in params.yaml"
    if line == "{":
        return "it seems to be JSON over several lines; write an object a line (jq -c . FILE)"
    if line.startswith("["):
        return "it seems to be one JSON list; write its objects one a line (jq -c '.[]' FILE)"
    return f"is it {text_format}? set format in params.yaml"
