"""Values of JSON and of Python literals as text; the parsers agree, whatever stands beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmrec.preprocessing.events.id_text import NO_ID
from slmrec.preprocessing.logs.json_lines import json_record, parse_json
from slmrec.preprocessing.logs.text_blocks import Block
from slmrec.preprocessing.logs.values import (
    WantedValues,
    as_text,
    value_at,
    without_half_characters,
)

IDS = frozenset({"a"})
AS_IDS = WantedValues(["a"], IDS, IDS)
AS_TEXTS = WantedValues(["a"])


def fast_and_slow(line: str, wanted: WantedValues) -> tuple[str | None, str | None]:
    """The value as the fast parser reads it, and as the line-wise one does beside a bad line."""
    alone = parse_json(Block(line.encode() + b"\n", 1), wanted, frozenset()).rows
    beside = parse_json(Block(line.encode() + b"\nno json\n", 1), wanted, frozenset()).rows
    return alone["a"][0], beside["a"][0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("12", "12"),
        ("12.0", "12"),
        ("1e5", "100000"),
        ("1.0e-7", "0.0000001"),
        ("1.50", "1.5"),
        ("-0.0", "-0"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234", "123456789012345678901234"),
        ("1e22", "10000000000000000000000"),
        ('"12.0"', "12.0"),
        ('"007"', "007"),
        ('""', ""),
        ("null", None),
        ("NaN", None),
        ("-Infinity", None),
        ("1e400", None),
        (r'"half \ud83c"', "half \ufffd"),
        (r'"\udf89 half"', "\ufffd half"),
        (r'"\ud83c\ud83c\udf89"', "\ufffd🎉"),
        (r'"\\ud83c"', r"\ud83c"),
        ("true", NO_ID + "true"),
        ('"true"', "true"),
        ("[3, 9.0]", NO_ID + '["3", "9"]'),
        (
            '["x", null, [1], true]',
            NO_ID + f'["x", null, {json.dumps(NO_ID + json.dumps(["1"]))}, '
            f"{json.dumps(NO_ID + 'true')}]",
        ),
        ('"[3, 9]"', "[3, 9]"),
        ('{"b": 1.0}', NO_ID + '{"b": 1}'),
        (r'"\u0000[1]"', NO_ID + r'"\u0000[1]"'),
    ],
)
def test_a_value_has_one_text(value: str, text: str | None) -> None:
    assert fast_and_slow(f'{{"a": {value}}}', AS_IDS) == (text, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("true", "true"),
        ('[1.0, "x", null, true]', '[1, "x", null, true]'),
        ('{"b": {"c": []}, "d": 1e-7}', '{"b": {"c": []}, "d": 0.0000001}'),
        ('["Cité"]', '["Cité"]'),
    ],
)
def test_where_any_text_will_do_it_is_json(value: str, text: str) -> None:
    assert fast_and_slow(f'{{"a": {value}}}', AS_TEXTS) == (text, text)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE.map(lambda number: float(f"{number:.15g}")) | st.integers(-(2**80), 2**80))
def test_the_parsers_agree_on_numbers_of_as_many_digits_as_a_float_keeps(number: float) -> None:
    fast, slow = fast_and_slow(json.dumps({"a": number}), AS_IDS)
    assert fast == slow == as_text(number)


@given(st.text())
def test_the_parsers_agree_on_texts(text: str) -> None:
    fast, slow = fast_and_slow(json.dumps({"a": text}), AS_IDS)
    assert (
        fast == slow == (NO_ID + json.dumps(text, ensure_ascii=False) if text[:1] == "\0" else text)
    )


def test_of_a_key_that_comes_twice_the_first_counts() -> None:
    assert fast_and_slow('{"a": 1, "a": 2}', AS_IDS) == ("1", "1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (("x", 2.0), NO_ID + '["x", "2"]'),
        ({"k": "v"}, NO_ID + '{"k": "v"}'),
        ("\ud83c\udf89 \ud83c", "🎉 \ufffd"),
        (float("nan"), None),
        (False, NO_ID + "false"),
    ],
)
def test_values_of_python_are_text_by_the_same_rules(value: Any, text: str | None) -> None:
    assert as_text(value, no_lists=True, no_booleans=True) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", 1),
        ("b.c", 2),
        ("d.e", [3, None, None]),
        ("f.g", 4),  # a key that is called so comes first
        ("a.x", None),
        ("none.x", None),
        ("d.e.f", [None, None, None]),
    ],
)
def test_a_path_leads_into_objects_and_lists_of_them(name: str, value: Any) -> None:
    record = {
        "a": 1, "b": {"c": 2}, "d": [{"e": 3}, {}, 7], "f.g": 4, "f": {"g": 5},
    }  # fmt: skip
    assert value_at(record, name) == value


def test_a_block_without_half_characters_is_left_as_it_is() -> None:
    block = Block(rb'{"a": "\ud83c\udf89 \uD83C\uDF89"}', 7, "cp1252")
    assert without_half_characters(block) is block
    mended = without_half_characters(Block(rb'{"a": "\ud83c"}', 7, "cp1252"))
    assert mended == Block(rb'{"a": "\ufffd"}', 7, "cp1252")


def test_numbers_of_a_record_keep_all_their_digits() -> None:
    record = json_record('{"a": 123456789012345678901234567890123456789012, "b": 0.10}')
    assert record == {"a": "123456789012345678901234567890123456789012", "b": "0.1"}
