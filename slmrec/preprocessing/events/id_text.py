"""The one conversion from whatever a file holds to the text of an id, of events and items alike.

An id is the text that stands in the file, whatever the format, with these rules:

- Whole numbers written as floats lose their point, as pandas writes them as soon as one is
  missing: 12.0 is "12", in numbers and in text. The rule looks at one value alone, never at its
  neighbours, so a text "1.0" that is meant as a version becomes "1", in events and items alike.
- Numbers are never in exponents where the file holds numbers: 1e5 of JSON is "100000".
- NaN, null and nothing are no id; the text "nan" is one. Leading zeros stay, "1.50" stays.
- 16 bytes are a UUID in its usual text.
- A list, an object and true or false are never ids. Where the type of a column tells them, the
  column is refused; where each value has its own type (JSON, Python literals), the reader marks
  such a value with NO_ID (slmrec.preprocessing.logs.values), and the row is set aside or its list
  exploded.
"""

from __future__ import annotations

import polars as pl

from slmrec.core.errors import DataError

NO_ID = "\0"  # before the JSON of a list, an object, true or false; no id holds this character
WHOLE_FLOAT = r"^(-?[0-9]+)\.0+$"
UUID_PARTS = ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))  # start and length in hex digits
UUID_DIGITS = 32
TEXTS = (pl.String, pl.Categorical, pl.Enum, pl.Null)


def as_id(column: pl.Series) -> pl.Series:
    """Ids as text. Raises DataError when the column's type can hold no id."""
    ids = written_id(column)
    return without_point(ids) if has_point(ids) else ids


def written_id(column: pl.Series) -> pl.Series:
    """Ids as text that may still end in ".0"; the rest of the work is quicker on distinct ids."""
    if column.dtype == pl.Binary:
        return _as_uuid(column)
    if column.dtype.is_float():
        return _as_number(column)
    if isinstance(column.dtype, pl.List | pl.Array):
        raise DataError(
            f"column {column.name} holds lists ({column.dtype}), and a list is no id; name another "
            "column, or set prepare.events.lists: explode where each list holds a row's items"
        )
    if not (column.dtype.is_integer() or column.dtype.is_decimal() or column.dtype in TEXTS):
        raise DataError(
            f"column {column.name} is {column.dtype}, which is no id; "
            "name another column in params.yaml"
        )
    return column.cast(pl.String)


def has_point(ids: pl.Series) -> bool:
    """Whether any id is a whole number written as a float."""
    return bool(ids.filter(ids.str.ends_with("0")).str.contains(WHOLE_FLOAT).any())


def without_point(ids: pl.Series) -> pl.Series:
    """Ids in which whole numbers written as floats have lost their point."""
    return ids.str.replace(WHOLE_FLOAT, "${1}")


def is_no_scalar(ids: pl.Series) -> pl.Series:
    """Whether each id is a list, an object, true or false, as the reader marked it."""
    return ids.str.starts_with(NO_ID)


def _as_number(column: pl.Series) -> pl.Series:
    """Floats as text; whole ones without a point, NaN and infinities as null."""
    largest = column.abs().fill_nan(None).max()
    exact = pl.Int64 if largest is None or float(str(largest)) < 2**63 else pl.Int128
    whole = column.cast(exact, strict=False)
    finite = pl.when(column.is_finite()).then(column.cast(pl.String))
    ids = pl.when(whole == column).then(whole.cast(pl.String)).otherwise(finite)
    return pl.select(ids.alias(column.name)).to_series()


def _as_uuid(column: pl.Series) -> pl.Series:
    digits = column.bin.encode("hex")
    parts = [digits.str.slice(start, length) for start, length in UUID_PARTS]
    text = pl.concat_str(parts, separator="-")
    return pl.select(pl.when(digits.str.len_bytes() == UUID_DIGITS).then(text)).to_series()
