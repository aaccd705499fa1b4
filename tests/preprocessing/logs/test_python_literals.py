"""Lines that are Python dicts become rows; nothing of them is run."""

from __future__ import annotations

import gzip
import warnings

import pytest

from slmrec.preprocessing.logs.python_literals import parse_python, python_record
from slmrec.preprocessing.logs.text_blocks import Block
from slmrec.preprocessing.logs.values import WantedValues
from tests.support.logs import START, Workshop

GOOD = [{"user": f"u{n % 3}", "item": n, "time": START + n, "weight": 5.0} for n in range(20)]


def test_every_value_is_text_and_a_missing_key_is_null() -> None:
    data = b"""{'a': "it's", 'b': 7.0}\n{u'b': None, 'a': '\\u00e9'}\n{'b': nan, 'c': [inf]}\n"""
    batch = parse_python(Block(data, 5), WantedValues(["b", "a"]))
    assert batch.rows.rows() == [(5, "7", "it's"), (6, None, "é"), (7, None, None)]
    assert len(batch.bad) == 0


@pytest.mark.parametrize(
    "line",
    [
        "{'a': 1",
        "[1]",
        "{'a': open('x')}",
        "{'a': __import__('os').system('true')}",
        "{'a': b}",
        "{[]: 1}",
        "-" * 60_000 + "1",
        "[" * 30_000,
        "1+" * 20_000 + "1",
        "{'a': nan",
        '{"a": true}',
    ],
)
def test_what_is_no_literal_of_a_dict_is_no_record(line: str) -> None:
    assert python_record(line) is None


def test_an_unknown_escape_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batch = parse_python(Block(rb"{'a': '\d'}", 1), WantedValues(["a"]))
    assert batch.rows["a"].to_list() == [r"\d"]


def test_python_literals_are_read_as_logs(workshop: Workshop) -> None:
    workshop.set(prepare__events__format="python_literal", prepare__max_quarantine_share=0.1)
    lines = [*map(str, GOOD), "{'user': 'ann'"]
    workshop.deliver("events.json.gz", gzip.compress("\n".join(lines).encode()))
    assert workshop.prepare()["quarantined"] == {"malformed line": 1}
    assert workshop.events()["item"].to_list() == [str(n) for n in range(20)]
