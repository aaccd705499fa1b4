"""JSON lines become rows of text; lines that are no JSON objects are set aside."""

from __future__ import annotations

import pytest

from slmrec.preprocessing.logs.json_lines import is_path, json_record, parse_json
from slmrec.preprocessing.logs.text_blocks import Block, RowBatch
from slmrec.preprocessing.logs.values import WantedValues
from tests.support.logs import START, Workshop, as_jsonl

GOOD = [(f"user {number % 5}", f"item {number}", START + number, 1.0) for number in range(200)]


def parsed(block: Block, names: list[str], ids: frozenset[str] = frozenset()) -> RowBatch:
    return parse_json(block, WantedValues(names, ids, ids), frozenset())


def test_every_value_is_text_and_a_missing_key_is_null() -> None:
    batch = parsed(Block(b'{"a": "x", "b": 7, "c": true}\n{"b": 1.5}\n', 3), ["b", "a"])
    assert batch.rows.rows() == [(3, "7", "x"), (4, "1.5", None)]
    assert len(batch.bad) == 0


def test_line_by_line_gives_what_the_fast_parser_gives() -> None:
    lines = b"".join(b'{"a": "x%d", "b": %d}\n' % (number, number) for number in range(50))
    fast = parsed(Block(lines, 1), ["a", "b"])
    slow = parsed(Block(lines + b"[1]\n", 1), ["a", "b"])
    assert slow.rows.equals(fast.rows)
    assert slow.bad.rows() == [(51, "malformed line", "[1]")]


def test_lists_and_objects_as_values_are_their_json() -> None:
    batch = parsed(Block(b'{"a": [1, "x"]}\nno json\n', 1), ["a"])
    assert batch.rows.rows() == [(1, '[1, "x"]')]


@pytest.mark.parametrize("line", ["[1]", '{"a": 1,}', "[" * 60_000, '{"a": 1} x', "NaN", '"a"'])
def test_what_is_no_object_is_no_record(line: str) -> None:
    assert json_record(line) is None


def test_a_name_is_a_path_only_if_no_key_is_called_so() -> None:
    assert is_path("a.b", ["a"]) and is_path("a.b.c", ["a"])
    assert not is_path("a.b", ["a", "a.b"]) and not is_path("a", ["a"])
    assert not is_path("a.b", ["b"])


def test_bad_json_lines_are_set_aside(workshop: Workshop) -> None:
    bad = [
        b'{"user": "ann"',
        b"[1, 2]",
        b'{"user": null, "item": "x", "time": 1700000000, "weight": 1}',
        b'{"user": "a\\u0000b", "item": "x"}',
    ]
    workshop.set(prepare__max_quarantine_share=0.5)
    workshop.deliver("all.jsonl", as_jsonl(GOOD) + b"\n".join(bad) + b"\n")
    assert workshop.prepare()["quarantined"] == {
        "malformed line": 2,
        "no user": 1,
        "user id broken": 1,
    }
    assert workshop.quarantine()["row"].to_list() == [201, 202, 203, 204]
