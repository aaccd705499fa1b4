"""Lines that are Python literals of dicts as rows, and the lines that are none.

Literals are parsed, never run.
"""

from __future__ import annotations

import ast
import re
import warnings

from slmrec.preprocessing.logs.text_blocks import Block, RowBatch
from slmrec.preprocessing.logs.values import Record, WantedValues, parse_by_line

NOT_A_NUMBER = re.compile(r"[:\[(,]\s*(?:nan|inf)\b")  # as Python shows floats that are none


def parse_python(block: Block, wanted: WantedValues) -> RowBatch:
    """The wanted keys of a block of dict literals, every value as text; a missing key is null."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as unknown escapes in a string
        return parse_by_line(block, python_record, wanted)


def python_record(line: str) -> Record | None:
    """The dict that a line is; None where it is none."""
    try:
        value = ast.literal_eval(_without_names(line) if NOT_A_NUMBER.search(line) else line)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None  # deep nesting, too, is no record
    return value if isinstance(value, dict) else None


def _without_names(line: str) -> ast.expr:
    """The parsed line with nan and inf, which are names to Python, as None."""
    return _NoNumbers().visit(ast.parse(line.strip(), mode="eval").body)


class _NoNumbers(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(None) if node.id in ("nan", "inf") else node
