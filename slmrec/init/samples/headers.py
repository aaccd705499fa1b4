"""Whether the first record names the columns or is a record like the others."""

from __future__ import annotations

import re
from collections import Counter

from slmrec.init.columns.names import role_of_name

NAME = re.compile(r"[A-Za-z_#@][\w .:/()#@-]*")
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")
ROWS_TRIED = 1000


def header_evidence(records: list[list[str]]) -> float:
    """Above 0 where the first record names the columns, below where it is data; 0 is undecided.

    A column votes for names where the first field is a word above numbers, and against them where
    the first field is a number, has the shape of the fields below, or comes again below.
    """
    first, rest = records[0], records[1 : ROWS_TRIED + 1]
    if not rest:
        return 0.0
    if len(set(first)) < len(first) and not all(first):
        return -1.0  # two columns without a name
    columns = zip(*(record for record in rest if len(record) == len(first)), strict=True)
    votes = [_vote(name, list(fields)) for name, fields in zip(first, columns, strict=False)]
    return sum(votes) / max(len(votes), 1)


def _vote(name: str, fields: list[str]) -> float:
    """What one column says: its first field, and those below it."""
    fields = [field.strip() for field in fields if field.strip()]
    name = name.strip()
    if not name:
        return -0.5
    if name in set(fields) or NUMBER.fullmatch(name):
        return -1.0
    if role_of_name(name) is not None:
        return 1.0
    return _vote_by_shape(name, fields) if fields else 0.2


def _vote_by_shape(name: str, fields: list[str]) -> float:
    if _share_of_numbers(fields) > 0.9:
        return 1.0
    shape, count = Counter(map(shape_of, fields)).most_common(1)[0]
    same = shape_of(name) == shape
    if same and any(character.isdigit() for character in name):
        return -1.0
    if not NAME.fullmatch(name):
        return -0.2
    if count > 0.9 * len(fields):  # a word above words says nothing, above codes much
        return 0.0 if same else 0.5
    return 0.2


def _share_of_numbers(fields: list[str]) -> float:
    return sum(NUMBER.fullmatch(field) is not None for field in fields) / len(fields)


def shape_of(text: str) -> str:
    """A text with runs of letters as "a", runs of digits as "9" and everything else as it is."""
    letters = re.sub(r"[^\W\d_]+", "a", text[:100])
    return re.sub(r"\d+", "9", letters)
