"""Which layers of a pretrained decoder a teacher keeps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slmrec.core.errors import UsageError
from slmrec.dataset.padding import real_positions
from slmrec.models.llama import LlamaRecommender
from slmrec.params.train_teacher import EveryLayer, FirstLayers, LeastChange


def layers_by_place(cut: FirstLayers | EveryLayer, depth: int) -> list[int]:
    """Layers, counted from 1, that a rule keeps of a decoder of `depth` layers.

    Raises UsageError when there are too few.
    """
    if isinstance(cut, EveryLayer):
        return list(range(1, depth + 1, cut.step))
    _check_depth(cut.layers, depth)
    return list(range(1, cut.layers + 1))


def layers_by_change(model: LlamaRecommender, items: Tensor, cut: LeastChange) -> list[int]:
    """Layers, counted from 1, without which the output changes most; of equal ones the first.

    items (B, T) are right-padded histories. Raises UsageError when there are too few layers.
    """
    depth = len(model.layers)
    _check_depth(cut.layers, depth)
    changes = output_changes(model, items)
    figures = " ".join(f"{change:.4f}" for change in changes)
    print(f"change of the output without each layer: {figures}", flush=True)
    by_change = sorted(range(depth), key=lambda layer: (-changes[layer], layer))
    return sorted(layer + 1 for layer in by_change[: cut.layers])


def output_changes(model: LlamaRecommender, items: Tensor) -> list[float]:
    """How much the last state changes when one layer is left out, layer by layer.

    1 - cosine, mean over the real positions of right-padded items (B, T). As ShortGPT's block
    influence (arXiv 2403.03853), but measured on the output, so that what later layers repair or
    amplify counts.
    """
    real = real_positions(items)
    layers = model.layers
    changes = []
    with torch.inference_mode():
        full_depth = _last_states(model, items)[real]  # (N, D)
        for left_out in range(len(layers)):
            rest = [layer for index, layer in enumerate(layers) if index != left_out]
            model.layers = nn.ModuleList(rest)
            without = _last_states(model, items)[real]
            similarity = functional.cosine_similarity(full_depth, without, dim=1)
            changes.append(float(1 - similarity.mean()))
    model.layers = layers
    return changes


def _last_states(model: LlamaRecommender, items: Tensor) -> Tensor:
    return model.norm(model.forward_with_states(items, [len(model.layers)])[1][-1])  # (B, T, D)


def _check_depth(layers: int, depth: int) -> None:
    if layers > depth:
        raise UsageError(f"backbone.cut keeps {layers} layers, the model has {depth}; lower it")
