"""config.pbtxt says of the graph what Triton has to know, in Triton's own messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from slmrec.export.triton_config import TritonModel, WarmUp, config_text
from tests.support.triton import parsed_config

GRAPH: dict[str, Any] = {
    "inputs": {
        "history": {"dtype": "int64", "shape": ["batch", "time"]},
        "exclude": {"dtype": "int64", "shape": ["batch", "excluded"]},
    },
    "outputs": {
        "items": {"dtype": "int64", "shape": ["batch", 20]},
        "scores": {"dtype": "float32", "shape": ["batch", 20]},
    },
}
WARM_UPS = [
    WarmUp("short", 1, {"history": 1, "exclude": 1}),
    WarmUp("full", 8, {"history": 6, "exclude": 2}),
]


@pytest.mark.parametrize(("device", "kind"), [("cpu", "KIND_CPU"), ("cuda", "KIND_GPU")])
def test_triton_reads_what_was_meant(
    tmp_path: Path, device: Literal["cpu", "cuda"], kind: str
) -> None:
    file = tmp_path / "config.pbtxt"
    file.write_text(config_text(TritonModel("films", device, 3, 8, 700), GRAPH, WARM_UPS))
    config = parsed_config(file)
    assert (config.name, config.backend, config.max_batch_size) == ("films", "onnxruntime", 8)
    assert [(each.name, each.data_type, list(each.dims)) for each in config.input] == [
        ("history", 9, [-1]),  # 9 is TYPE_INT64; Triton adds the batch's dimension
        ("exclude", 9, [-1]),
    ]
    assert [(each.name, each.data_type, list(each.dims)) for each in config.output] == [
        ("items", 9, [20]),
        ("scores", 11, [20]),  # 11 is TYPE_FP32
    ]
    assert config.dynamic_batching.max_queue_delay_microseconds == 700
    (group,) = config.instance_group
    kinds = type(group).DESCRIPTOR.enum_types_by_name["Kind"].values_by_number
    assert (group.count, kinds[group.kind].name) == (3, kind)
    assert config.parameters["intra_op_thread_count"].string_value == "1"
    short, full = config.model_warmup
    assert (short.name, short.batch_size, full.batch_size) == ("short", 1, 8)
    assert full.inputs["history"].input_data_file == "full.history"
    assert list(full.inputs["exclude"].dims) == [2]
