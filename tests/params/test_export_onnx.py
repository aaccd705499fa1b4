"""Section export_onnx: what its values may be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from slmrec.params.export_onnx import PrecisionParams

PRECISIONS: dict[str, Any] = {
    "wanted": ["int8"],
    "targets": 10,
    "min_overlap": 0.98,
    "max_ndcg_loss": 0.01,
    "max_score_difference": {"int8": 0.3},
}


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"wanted": ["int4"]}, "'int8' or 'fp16'"),
        ({"wanted": ["fp16"]}, "max_score_difference lacks fp16"),
        ({"min_overlap": 1.1}, "less than or equal to 1"),
        ({"max_score_difference": {"int8": 0}}, "greater than 0"),
    ],
)
def test_a_precision_is_known_and_has_its_limits(changed: dict[str, Any], fault: str) -> None:
    assert PrecisionParams.model_validate(PRECISIONS).wanted == ["int8"]
    with pytest.raises(ValidationError, match=fault):
        PrecisionParams.model_validate(PRECISIONS | changed)
