"""Files of one table: those whose names differ in numbers or partitions alone, under one glob."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from slmrec.init.samples.parquet_samples import is_parquet, sample_parquet
from slmrec.init.samples.raw_files import RawFile, UnreadableFileError, list_raw_files, read_sample
from slmrec.init.samples.sampled_table import SampledTable, joined
from slmrec.init.samples.text_samples import AS_FOUND, TextChoices, sample_text

MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
NUMBERS = re.compile(rf"\d+|(?<![A-Za-z])(?:{MONTHS})[a-z]*(?![A-Za-z])", re.IGNORECASE)
PARTITION = re.compile(r"([^=]+)=(.*)")
FILES_SAMPLED = 3  # first, middle and last of a group
FILES_LISTED = 20  # by name, where no glob fits


@dataclass(frozen=True)
class FileTable:
    """The files of one table, the globs that name them, and the sampled rows of one of them."""

    files: tuple[RawFile, ...]
    globs: tuple[str, ...]
    table: SampledTable

    @property
    def name(self) -> str:
        """How a person would call it."""
        return self.globs[0] if len(self.globs) == 1 else f"{self.globs[0]}, ..."

    @property
    def rows(self) -> int:
        """About how many rows all files have together."""
        return self.table.layout.rows


def find_tables(data_dir: Path) -> tuple[list[FileTable], dict[str, str]]:
    """Every table below `data_dir`, and why other files are none, by their names."""
    groups: dict[str, list[RawFile]] = {}
    for file in list_raw_files(data_dir):
        groups.setdefault(_pattern(file.name), []).append(file)
    tables: list[FileTable] = []
    unreadable: dict[str, str] = {}
    for pattern, files in groups.items():
        try:
            tables += _tables_of(data_dir, pattern, files)
        except UnreadableFileError as error:
            unreadable[error.name] = str(error)
    return tables, unreadable


def _pattern(name: str) -> str:
    """A file's name with numbers and values of partitions as stars."""
    *folders, last = PurePosixPath(name).parts
    stars = [
        f"{glob.escape(match[1])}=*" if (match := PARTITION.fullmatch(part)) else _starred(part)
        for part in folders
    ]
    return "/".join([*stars, _starred(last)])


def _starred(part: str) -> str:
    return "*".join(glob.escape(piece) for piece in NUMBERS.split(part))


def _tables_of(data_dir: Path, pattern: str, files: list[RawFile]) -> list[FileTable]:
    """One table of all files, or one of each where their columns differ."""
    chosen = sorted({0, len(files) // 2, len(files) - 1})[:FILES_SAMPLED]
    samples = [sample_file(files[place]) for place in chosen]
    shapes = {(sample.names, sample.layout.format, sample.layout.delimiter) for sample in samples}
    if len(shapes) > 1:
        return [table for file in files for table in _tables_of(data_dir, _exact(file), [file])]
    globs = _globs(data_dir, pattern, files)
    return [FileTable(tuple(files), globs, joined(samples, len(files)))]


def _globs(data_dir: Path, pattern: str, files: list[RawFile]) -> tuple[str, ...]:
    """One name; of several files the pattern, where it matches them alone, else their names.

    The pattern has a star for every number, so that the files of the next month fit as well.
    """
    if len(files) == 1:
        return (_exact(files[0]),)
    matched = {path for path in data_dir.glob(pattern) if path.is_file() and path.stat().st_size}
    if matched == {file.path for file in files} or len(files) > FILES_LISTED:
        return (pattern,)
    return tuple(_exact(file) for file in files)


def _exact(file: RawFile) -> str:
    return glob.escape(file.name)


def sample_file(file: RawFile, forced: TextChoices = AS_FOUND) -> SampledTable:
    """Some rows of a file of any format. Raises UnreadableFileError."""
    try:
        if is_parquet(file.path):
            return sample_parquet(file.path)
        return sample_text(read_sample(file), forced)
    except UnreadableFileError as error:
        error.name = file.name
        raise


def sample_again(source: FileTable, forced: TextChoices) -> FileTable:
    """The same files read as a person says. Raises UnreadableFileError."""
    return replace(source, table=sample_file(source.files[0], forced))
