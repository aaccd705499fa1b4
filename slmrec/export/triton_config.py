"""config.pbtxt of a Triton model: `serve_fixed.onnx` with dynamic batching and warm-up.

Fields are those of Triton's model_config.proto; a test parses the text with Triton's own messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

INPUTS, OUTPUTS = ("history", "exclude"), ("items", "scores")
DATA_TYPES = {"int64": "TYPE_INT64", "float32": "TYPE_FP32"}
KINDS = {"cpu": "KIND_CPU", "cuda": "KIND_GPU"}


@dataclass(frozen=True)
class TritonModel:
    """What a model repository says of a model beyond what its graph does."""

    name: str
    device: Literal["cpu", "cuda"]
    instances: int  # that run beside each other; on CUDA, on each GPU
    max_batch: int  # requests' rows that are run together at most
    queue_delay_us: int  # how long a request may wait for others


@dataclass(frozen=True)
class WarmUp:
    """A row that every instance runs before it is ready, `batch` times over."""

    name: str
    batch: int
    widths: Mapping[str, int]  # of each input

    def file(self, tensor: str) -> str:
        """The name of an input's file in the folder `warmup`."""
        return f"{self.name}.{tensor}"


def config_text(model: TritonModel, graph: Mapping[str, Any], warm_ups: Iterable[WarmUp]) -> str:
    """The config of a graph, given what the contract says of it."""
    blocks = [
        f"name: {json.dumps(model.name)}",
        'backend: "onnxruntime"',
        f"max_batch_size: {model.max_batch}",
        *(_tensor("input", name, graph["inputs"][name]) for name in INPUTS),
        *(_tensor("output", name, graph["outputs"][name]) for name in OUTPUTS),
        f"dynamic_batching {{ max_queue_delay_microseconds: {model.queue_delay_us} }}",
        f"instance_group [ {{ count: {model.instances} kind: {KINDS[model.device]} }} ]",
        "version_policy { latest { num_versions: 1 } }",
        # Many small runs share cores best side by side.
        *(_parameter(f"{ops}_op_thread_count", "1") for ops in ("intra", "inter")),
        *(_warm_up(each, graph["inputs"]) for each in warm_ups),
    ]
    return "\n".join(blocks) + "\n"


def _tensor(kind: str, name: str, facts: Mapping[str, Any]) -> str:
    # Triton adds the batch's dimension itself; what varies is -1.
    sizes = [size if isinstance(size, int) else -1 for size in facts["shape"][1:]]
    dims = ", ".join(map(str, sizes))
    return f'{kind} [ {{ name: "{name}" data_type: {_type(facts)} dims: [ {dims} ] }} ]'


def _type(facts: Mapping[str, Any]) -> str:
    return DATA_TYPES[facts["dtype"]]


def _parameter(key: str, value: str) -> str:
    return f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}'


def _warm_up(warm_up: WarmUp, inputs: Mapping[str, Any]) -> str:
    lines = [f'model_warmup [ {{ name: "{warm_up.name}" batch_size: {warm_up.batch}']
    for name in INPUTS:
        value = (
            f"data_type: {_type(inputs[name])} dims: [ {warm_up.widths[name]} ] "
            f'input_data_file: "{warm_up.file(name)}"'
        )
        lines.append(f'  inputs {{ key: "{name}" value {{ {value} }} }}')
    return "\n".join([*lines, "} ]"])
