"""A rule of prepare names the column that it needs."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from slmrec.params.prepare import PrepareParams
from slmrec.params.section import read_yaml
from tests.support.project import ROOT


@pytest.fixture
def section() -> dict[str, Any]:
    prepare: dict[str, Any] = read_yaml(ROOT / "params.yaml")["prepare"]
    return prepare


@pytest.mark.parametrize(
    ("rule", "value", "column"),
    [("keep_types", ["buy"], "type"), ("min_weight", 2.0, "weight")],
)
def test_a_rule_without_its_column_is_refused(
    section: dict[str, Any], rule: str, value: object, column: str
) -> None:
    section["events"]["columns"][column] = "some column"
    section[rule] = value
    PrepareParams.model_validate(section)
    section["events"]["columns"][column] = None
    with pytest.raises(
        ValidationError, match=rf"{rule} is .*, but events\.columns\.{column} names"
    ):
        PrepareParams.model_validate(section)


@pytest.mark.parametrize("source", ["events", "items"])
@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_only_delimited_text_has_a_delimiter(
    section: dict[str, Any], source: str, file_format: str
) -> None:
    section[source] |= {"delimiter": ";", "format": "csv"}
    PrepareParams.model_validate(section)
    section[source]["format"] = file_format
    with pytest.raises(ValidationError, match=f"delimiter is ';', but {file_format} has none"):
        PrepareParams.model_validate(section)
