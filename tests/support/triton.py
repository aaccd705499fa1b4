"""A Triton model's config, read as Triton reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def parsed_config(file: Path) -> Any:
    """config.pbtxt as Triton's own message; skips where its client has no build."""
    messages = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    from google.protobuf import text_format

    return text_format.Parse(file.read_text(), messages.ModelConfig())


def fits(request: dict[str, Any], config: Any) -> bool:
    """Whether a KServe v2 request gives each input of a config, of its type, size and batch."""
    given = {tensor["name"]: tensor for tensor in request["inputs"]}
    if set(given) != {tensor.name for tensor in config.input}:
        return False
    rows = {tensor["shape"][0] for tensor in given.values()}
    return (
        len(rows) == 1
        and max(rows) <= config.max_batch_size
        and all(_fits(given[tensor.name], tensor) for tensor in config.input)
        and {tensor["name"] for tensor in request["outputs"]}
        == {tensor.name for tensor in config.output}
    )


def _fits(given: dict[str, Any], wanted: Any) -> bool:
    kind = wanted.DESCRIPTOR.fields_by_name["data_type"].enum_type.values_by_number
    rows, *dims = given["shape"]
    return (
        f"TYPE_{given['datatype']}" == kind[wanted.data_type].name
        and len(dims) == len(wanted.dims)
        and all(size in (-1, dim) for size, dim in zip(wanted.dims, dims, strict=True))
        and len(given["data"]) == rows * dims[0]
    )
